"""Access to the user service: its scopes, what each route takes of them, its tokens' prefix."""

from enum import StrEnum
from typing import Final

from service_kit.access import guard, principal
from service_kit.access.controls import Kinds
from service_kit.access.guard import COMMON_ROUTES, Scopes

PREFIX: Final = "usr"


class Scope(StrEnum):
    """What a principal may do."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    OUTBOX_MANAGE = "outbox:manage"
    METRICS_READ = guard.METRICS_READ
    ADMIN = principal.ADMIN
    """All of them."""


ROUTE_SCOPES: Final[Scopes] = {
    "users.create": Scope.USERS_WRITE,
    "users.change": Scope.USERS_WRITE,
    "users.delete": Scope.USERS_WRITE,
    "users.list_users": Scope.USERS_READ,
    "users.get": Scope.USERS_READ,
    **COMMON_ROUTES,
}
"""By endpoint. One that is not here is nobody's."""

KINDS: Final = Kinds(ROUTE_SCOPES, frozenset(Scope), PREFIX)
