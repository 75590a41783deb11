"""Bounds of a sender: the sources of its events begin with one of its prefixes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from audit_service.events import Event
from service_kit.access.principal import ANYONE, Principal
from service_kit.http.problems import Problem

OWN_SOURCE = "/audit-service"
"""Of what the log tells of itself."""
EXAMPLES = 10
LONG = 200
RULE = "is not one that this sender may write of"


class SourceForbidden(Exception):
    """Events of other sources: their sources by index. Nothing is stored."""

    def __init__(self, sources: Mapping[int, str], *, is_batch: bool) -> None:
        super().__init__(f"source {RULE}")
        self.sources = sources
        self.is_batch = is_batch

    @property
    def examples(self) -> list[str]:
        """Some of the sources, cut where they are long."""
        some = sorted({source[:LONG] for source in self.sources.values()})
        return some[:EXAMPLES]


def check_sources(principal: Principal, events: Sequence[Event], *, is_batch: bool = False) -> None:
    """Raises SourceForbidden where an event is not within the principal's bounds, or is one that
    only the service itself tells. Where access is not controlled, anyone may write of all.
    """
    if principal == ANYONE:
        return
    others = {
        index: event.source
        for index, event in enumerate(events)
        if event.source == OWN_SOURCE or not principal.may_write_of(event.source)
    }
    if others:
        raise SourceForbidden(others, is_batch=is_batch)


def problem(error: SourceForbidden) -> Problem:
    """403: the attribute and the rule; of a batch each bad item by its index."""
    broken = {"attribute": "source", "rule": RULE}
    headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    if not error.is_batch:
        return Problem(HTTPStatus.FORBIDDEN, str(error), headers=headers, **broken)
    errors = [{"index": index, **broken} for index in error.sources]
    return Problem(HTTPStatus.FORBIDDEN, str(error), headers=headers, errors=errors)
