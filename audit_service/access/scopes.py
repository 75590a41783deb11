"""Scopes of the audit service, and its tokens' prefix."""

from enum import StrEnum
from typing import Final

from service_kit.access.guard import OPEN
from service_kit.access.principal import ADMIN as _ADMIN

PREFIX: Final = "aud"


class Scope(StrEnum):
    """What a principal may do. `EVENTS_WRITE` may be bound to prefixes of `source`."""

    EVENTS_WRITE = "events:write"
    EVENTS_READ = "events:read"
    EVENTS_EXPORT = "events:export"
    REJECTED_MANAGE = "rejected:manage"
    METRICS_READ = "metrics:read"
    ADMIN = _ADMIN
    """All of them."""


SCOPES: Final = frozenset(Scope)

OPERATION_SCOPES: Final = {
    "health.livez": OPEN,
    "health.readyz": OPEN,
    "metrics.show": Scope.METRICS_READ,
    "openapi.spec": OPEN,
}
"""By endpoint: what every process of the service serves."""
