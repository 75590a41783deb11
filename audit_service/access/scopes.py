"""Scopes of the audit service, what each route takes of them, and its tokens' prefix."""

from dataclasses import replace
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
    "proofs.proof": Scope.EVENTS_READ,
    "evidence.checkpoint": Scope.EVENTS_READ,
    "evidence.tile": Scope.EVENTS_READ,
    "evidence.entries": Scope.EVENTS_READ,
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

EVIDENCE_ROUTES: Final = frozenset(
    {"evidence.checkpoint", "evidence.tile", "evidence.entries"},
)
"""Of those the ones that show nothing of an event but its place and arrival: where the log is
public they are open to all.
"""

KINDS: Final = Kinds(
    *(ROUTE_SCOPES, frozenset(Scope), PREFIX),
    query_paths=frozenset({"/"}),
    reserved=frozenset({OWN_SENDER}),
)


def kinds(*, is_public: bool) -> Kinds:
    """The same of a log that is public, or not."""
    opened = dict.fromkeys(EVIDENCE_ROUTES, OPEN) if is_public else {}
    return replace(KINDS, endpoints={**ROUTE_SCOPES, **opened})
