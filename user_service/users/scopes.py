"""Scopes of the user service, and its tokens' prefix."""

from enum import StrEnum
from typing import Final

from service_kit.access.guard import OPEN

PREFIX: Final = "usr"


class Scope(StrEnum):
    """What a principal may do."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    OUTBOX_MANAGE = "outbox:manage"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"
    """All of them."""


SCOPES: Final = frozenset(Scope)

OPERATION_SCOPES: Final = {
    "health.livez": OPEN,
    "health.readyz": OPEN,
    "metrics.show": Scope.METRICS_READ,
    "openapi.spec": OPEN,
}
"""By endpoint: what every process of the service serves."""
