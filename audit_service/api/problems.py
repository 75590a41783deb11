"""Problems: the RFC 9457 document of each exception of this service."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog

from audit_service.access import bounds
from audit_service.access.bounds import SourceForbidden
from audit_service.events import (
    BatchRejected,
    EventRejected,
    Rule,
    TooManyEvents,
    TooManyValues,
    UnsupportedFormat,
)
from audit_service.log import DiskFull, LogUnavailable
from audit_service.search import InvalidFilters
from service_kit.http.body_memory import BodyMemoryExhausted
from service_kit.http.problems import Problem, invalid_input, unavailable

log = structlog.get_logger()


def _event(error: EventRejected) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, str(error), **_broken_rule(error))


def _batch(error: BatchRejected) -> Problem:
    """Each bad item by its index; nothing of the batch is stored."""
    errors = [{"index": index, **_broken_rule(item)} for index, item in error.items.items()]
    too_long = all(item.code is Rule.SIZE for item in error.items.values())
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_long else HTTPStatus.BAD_REQUEST
    return Problem(status, str(error), errors=errors)


def _size(error: TooManyEvents | TooManyValues) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error), limit=error.limit)


def _format(error: UnsupportedFormat) -> Problem:
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error))


def _log(error: LogUnavailable) -> Problem:
    """A fault of ours, never a 4xx: on 4xx a sender drops the event."""
    log.error("the event log is unavailable", reason=str(error))
    return unavailable("the event log cannot be used at the moment")


def _full(_: DiskFull) -> Problem:
    """Logged where it is noticed, once, and not with each request."""
    return unavailable("the disk is full up to its reserve; nothing was stored", retry_after=5)


def _memory(_: BodyMemoryExhausted) -> Problem:
    log.warning("a delivery was not read, since others take all memory for bodies")
    return unavailable("too many long bodies are being read; nothing was done")


def _filters(error: InvalidFilters) -> Problem:
    return invalid_input(error.rules.items())


def _broken_rule(error: EventRejected) -> dict[str, Any]:
    return {"attribute": error.attribute, "rule": error.rule}


PROBLEM_FOR: dict[type[Exception], Callable[[Any], Problem]] = {
    BatchRejected: _batch,
    BodyMemoryExhausted: _memory,
    DiskFull: _full,
    EventRejected: _event,
    InvalidFilters: _filters,
    LogUnavailable: _log,
    SourceForbidden: bounds.problem,
    TooManyEvents: _size,
    TooManyValues: _size,
    UnsupportedFormat: _format,
}
