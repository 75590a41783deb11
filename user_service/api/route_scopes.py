"""Scopes of routes: what a principal needs for each."""

from typing import Final

from service_kit.access.controls import Kinds
from service_kit.access.guard import OPEN, Scopes
from user_service.users.scopes import OPERATION_SCOPES, PREFIX, SCOPES, Scope

ROUTE_SCOPES: Final[Scopes] = {
    "users.create": Scope.USERS_WRITE,
    "users.change": Scope.USERS_WRITE,
    "users.delete": Scope.USERS_WRITE,
    "users.list_users": Scope.USERS_READ,
    "users.get": Scope.USERS_READ,
    "session.begin": OPEN,
    "session.end": OPEN,
    **OPERATION_SCOPES,
}
"""By endpoint. One that is not here is nobody's."""

KINDS: Final = Kinds(ROUTE_SCOPES, SCOPES, PREFIX)
