"""Query of the log: `GET /v1/events` and `GET /v1/events/{position}`."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from audit_service.api import events_query
from audit_service.api.events_query import MAX_POSITION
from audit_service.api.openapi import LIST, UNAVAILABLE
from audit_service.events import to_json
from audit_service.log import Backend, Record
from audit_service.search import Budget, scan
from service_kit.clock import from_microseconds, now_in_microseconds, rfc3339
from service_kit.http.blocking import reads_much
from service_kit.http.problems import Problem
from service_kit.http.query_parameters import repeatable

PAGE_BYTES = 8 * 1024 * 1024


class KafkaOrigin(BaseModel):
    """Where a message is in Kafka."""

    topic: str
    partition: int
    offset: int


class EventRecord(BaseModel):
    """An event in the log."""

    position: int = Field(description="Its place in the log: gapless, in commit order")
    received_at: datetime
    conflicts_with: int | None = Field(
        description="Position of the first event with the same source and id, another content"
    )
    event: dict[str, Any] = Field(description="The event in the JSON event format")
    tolerated: list[str] = Field(
        description="Deviations from the specification that were let in with it"
    )
    kafka: KafkaOrigin | None = Field(
        description="The message that brought it; null where it came over HTTP"
    )


class EventsPage(BaseModel):
    """Events in the order that was asked for."""

    items: list[EventRecord]
    next: str | None = Field(description="The cursor of the next page; null on the last")
    scanned_to: int = Field(
        description="The last position that was looked at: a page may be short, or empty, before "
        "all of the log was; 0 where there was none"
    )


def blueprint(backend: Backend, page_bytes: int = PAGE_BYTES) -> APIBlueprint:
    """The two routes that read; a page of more than one event has at most `page_bytes`."""
    routes = APIBlueprint("query", __name__, url_prefix="/v1/events")

    budget = Budget(page_bytes=page_bytes)

    @routes.get("")
    @routes.output(EventsPage, description="A page; it may be shorter than asked for")
    @routes.doc(**LIST)
    @reads_much
    @repeatable
    def list_events() -> Response:
        asked = events_query.read(request.args, now_in_microseconds())
        found = scan(
            backend, asked.expression, asked.order, asked.start, limit=asked.limit, budget=budget
        )
        following = asked.cursor_at(found.scanned_to) if found.more else None
        return _page([_to_json(record) for record in found.records], following, found.scanned_to)

    @routes.get("/<int:position>")
    @routes.output(EventRecord, description="The event")
    @routes.doc(
        summary="The event at a position",
        tags=["Events"],
        responses={404: "There is none", **UNAVAILABLE},
    )
    def get_event(position: int) -> Response:
        record = backend.get(position) if position <= MAX_POSITION else None
        if record is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no event at this position")
        return _response([_to_json(record)])

    return routes


def _to_json(record: Record) -> bytes:
    document = {
        "position": record.position,
        "received_at": rfc3339(from_microseconds(record.received_at)),
        "conflicts_with": record.conflicts_with,
        "event": orjson.Fragment(to_json(record.event)),
        "tolerated": record.event.tolerated,
        # A dataclass: orjson writes its fields.
        "kafka": record.origin,
    }
    # A copy, for orjson's own has room for 4 KiB: pages that wait for slow readers took tenfold.
    return bytes(memoryview(orjson.dumps(document)))


def _page(items: Sequence[bytes], following: str | None, scanned_to: int) -> Response:
    """The EventsPage of these items, in parts: as one text it would be in memory twice."""
    separated = [part for item in items for part in (b",", item)][1:]
    end = orjson.dumps({"next": following, "scanned_to": scanned_to})
    return _response([b'{"items":[', *separated, b"],", end[1:]])


def _response(parts: Sequence[bytes]) -> Response:
    length = {"Content-Length": str(sum(map(len, parts)))}
    return Response(parts, headers=length, content_type="application/json")
