"""Scopes of the audit service, what each route takes of them, and its tokens' prefix."""

from enum import StrEnum
from typing import Final

from audit_service.log.backend import OWN_SENDER
from service_kit.access import guard, principal
from service_kit.access.controls import Kinds
from service_kit.access.guard import COMMON_ROUTES, OPEN, Scopes

PREFIX: Final = "aud"


class Scope(StrEnum):
    """What a principal may do. `EVENTS_WRITE` may be bound to prefixes of `source`."""

    EVENTS_WRITE = "events:write"
    EVENTS_READ = "events:read"
    EVENTS_EXPORT = "events:export"
    REJECTED_MANAGE = "rejected:manage"
    METRICS_READ = guard.METRICS_READ
    ADMIN = principal.ADMIN
    """All of them."""


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
    "page.events": Scope.EVENTS_READ,
    "page.event": Scope.EVENTS_READ,
    "rejected_page.rejected": Scope.REJECTED_MANAGE,
    "rejected_page.rejection": Scope.REJECTED_MANAGE,
    "rejected_page.redrive": Scope.REJECTED_MANAGE,
    "rejected_page.drop": Scope.REJECTED_MANAGE,
    "page_assets.serve": OPEN,
    **COMMON_ROUTES,
}
"""By endpoint. One that is not here is nobody's."""

KINDS: Final = Kinds(
    *(ROUTE_SCOPES, frozenset(Scope), PREFIX),
    query_paths=frozenset({"/"}),
    reserved=frozenset({OWN_SENDER}),
)
