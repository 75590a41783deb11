"""Existing event: the one at a position that a URL says."""

from http import HTTPStatus

from audit_service.api.events_query import MAX_POSITION
from audit_service.log import Backend, Record
from service_kit.http.problems import Problem


def existing_event(log: Backend, position: int) -> Record:
    """The event at a position. Raises Problem, 404, where there is none, and LogUnavailable."""
    record = log.get(position) if position <= MAX_POSITION else None
    if record is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no event at this position")
    return record
