"""Receiver of events: `POST /`, in all three content modes; acknowledged once on disk."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.access.bounds import SourceForbidden, check_sources
from audit_service.access.own_events import OwnEvents, Told
from audit_service.events import (
    REJECTIONS,
    EventRejected,
    Rule,
    UnsupportedFormat,
    content_mode,
)
from audit_service.events.reader import EventReader
from audit_service.log import Entry, EventLog, LogUnavailable, hashed, stored_line
from audit_service.metrics import REASONS, EventMetrics
from audit_service.rejected.refused_line import log_refused
from audit_service.settings import Settings
from service_kit.access.authenticator import ACCESS_TOKEN
from service_kit.access.guard import still_may
from service_kit.access.principal import Principal, current
from service_kit.concurrency import Concurrency, run_here
from service_kit.http import request_body
from service_kit.http.blocking import never_blocks
from service_kit.http.body_memory import BodyMemory
from service_kit.http.no_content import no_content
from service_kit.http.problems import Problem
from service_kit.http.request_head import repeated_headers

LONG_BYTES = 8 * 1024
"""A body up to this takes some milliseconds at most, whatever is in it."""

Record = Callable[[Mapping[str, str], bytes, Exception, Principal], None]

_EVENT = {"type": "object", "required": ["id", "source", "specversion", "type"]}
_OPENAPI: dict[str, Any] = {
    "responses": {
        204: {"description": "Stored, or stored before: it is on disk", "content": {}},
        400: "Not a well-formed event: the attribute and the rule; for a batch, each bad item",
        413: "Longer than is accepted, or with more events or JSON values",
        415: "An event format, charset or content coding that is not read here",
        503: "It cannot be stored at the moment; send it again after `Retry-After` seconds",
    },
    "extensions": {
        "requestBody": {
            "description": "Binary mode: the data, with the attributes in `ce-` headers; "
            "structured mode: an event; batched mode: an array of events",
            "content": {
                content_mode.STRUCTURED: {"schema": _EVENT},
                content_mode.BATCH: {"schema": {"type": "array", "items": _EVENT}},
                "*/*": {},
            },
        }
    },
}


def blueprint(
    event_log: EventLog,
    settings: Settings,
    metrics: EventMetrics,
    record: Record,
    concurrency: Concurrency,
    *,
    own_events: OwnEvents,
) -> APIBlueprint:
    """The route that receives; `record` is called with each message that is no event."""
    refusals: tuple[type[Exception], ...] = (*REASONS, Problem)
    reader = settings.reader
    memory = BodyMemory(settings.body_memory)
    # One after the other: they compute, and two at once would take as long.
    run_long = concurrency.runner(1)
    routes = APIBlueprint("receive", __name__)

    @routes.post("/")
    @routes.doc(summary="Deliver an event, or a batch", tags=["Events"], **_OPENAPI)
    @never_blocks
    def receive() -> Response:
        principal = current()
        with memory.reservation() as reservation:
            try:
                headers = _headers()
                content = request_body.read(_limit(headers, settings), reservation.for_reading)
                # What is long to read is long to hash and to log.
                run = run_long if len(content) > LONG_BYTES else run_here
                reserve = partial(reservation.for_parsing, content, settings.max_json_values)
                entries = run(
                    lambda: _entries(
                        reader, record, reserve, _Delivery(headers, content, principal)
                    )
                )
                reservation.for_keeping(content, len(entries))
            except refusals as error:
                metrics.rejected(error)
                log_refused(error)
                if isinstance(error, SourceForbidden):
                    _tell_refused(own_events, principal, error)
                raise
            # The body may have come slowly.
            still_may(principal)
            receipts = event_log.append_entries(entries)
        stored = [one.event for one in entries]
        run(lambda: stored_line.log_stored(stored, receipts, principal.name))
        answer = no_content()
        if ACCESS_TOKEN in request.args:
            # RFC 6750, section 2.3.
            answer.headers["Cache-Control"] = "private"
        return answer

    return routes


def _tell_refused(own_events: OwnEvents, principal: Principal, error: SourceForbidden) -> None:
    """Have the log tell of it; where it cannot, it is refused all the same."""
    with suppress(LogUnavailable):
        told = Told.SOURCE_REFUSED, principal, ""
        own_events.tell_once_a_minute(*told, sources=error.examples)


class _Delivery(NamedTuple):
    """What was sent, and by whom."""

    headers: Mapping[str, str]
    content: bytes
    principal: Principal


def _entries(
    reader: EventReader, record: Record, reserve: Callable[[], None], delivery: _Delivery
) -> Sequence[Entry]:
    reserve()
    headers, content, principal = delivery
    try:
        _check_repeats(request.environ)
        events = reader.http(headers, content)
    except REJECTIONS as error:
        record(headers, content, error, principal)
        raise
    check_sources(principal, events, is_batch=_is_batch(headers))
    return hashed(events, sender=principal.name)


def _check_repeats(environ: Mapping[str, Any]) -> None:
    for name in repeated_headers(environ):
        if name.startswith("ce-"):
            raise EventRejected(name.removeprefix("ce-"), "has two headers", Rule.REPEATED)


def _headers() -> dict[str, str]:
    """The headers that matter to events, by lower-case name, as WSGI gives them."""
    environ = request.environ
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedFormat("a body with a Content-Encoding is not read here")
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_CE_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return headers


def _limit(headers: Mapping[str, str], settings: Settings) -> int:
    return settings.max_batch_bytes if _is_batch(headers) else settings.max_event_bytes


def _is_batch(headers: Mapping[str, str]) -> bool:
    return content_mode.content_mode(headers["content-type"]) is content_mode.ContentMode.BATCH
