"""Scopes of routes: what a principal needs for each."""

from typing import Final

from audit_service.access.scopes import OPERATION_SCOPES, PREFIX, SCOPES, Scope
from audit_service.log.backend import OWN_SENDER
from service_kit.access.controls import Kinds
from service_kit.access.guard import OPEN, Scopes

ROUTE_SCOPES: Final[Scopes] = {
    "receive.receive": Scope.EVENTS_WRITE,
    "handshake.handshake": OPEN,
    "query.list_events": Scope.EVENTS_READ,
    "query.get_event": Scope.EVENTS_READ,
    "stream.stream": Scope.EVENTS_READ,
    "statistics.stats": Scope.EVENTS_READ,
    "statistics.types": Scope.EVENTS_READ,
    "statistics.sources": Scope.EVENTS_READ,
    "statistics.extensions": Scope.EVENTS_READ,
    "status.status": Scope.EVENTS_READ,
    "export.export": Scope.EVENTS_EXPORT,
    "rejected.list_rejected": Scope.REJECTED_MANAGE,
    "rejected.show": Scope.REJECTED_MANAGE,
    "rejected.redrive_one": Scope.REJECTED_MANAGE,
    "rejected.drop": Scope.REJECTED_MANAGE,
    "session.begin": OPEN,
    "session.end": OPEN,
    **OPERATION_SCOPES,
}
"""By endpoint. One that is not here is nobody's."""

KINDS: Final = Kinds(
    *(ROUTE_SCOPES, SCOPES, PREFIX),
    query_paths=frozenset({"/"}),
    reserved=frozenset({OWN_SENDER}),
)
