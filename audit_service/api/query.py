"""Query of the log: `GET /v1/events` and `GET /v1/events/{position}`."""

import re
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from audit_service.events import to_json
from audit_service.log import Backend, Record
from service_kit.clock import from_microseconds, rfc3339
from service_kit.http import cursors
from service_kit.http.blocking import reads_much
from service_kit.http.problems import Problem
from service_kit.http.query_parameters import WholeNumber

PAGE_BYTES = 8 * 1024 * 1024
MAX_POSITION = 2**63 - 1

_UNAVAILABLE = {503: "The log cannot be read at the moment"}
_CURSOR = re.compile(r"before:([1-9][0-9]{0,18})")


class EventsQuery(BaseModel):
    """The page of the log that is asked for."""

    model_config = ConfigDict(extra="forbid")

    limit: WholeNumber = Field(100, ge=1, le=1000, description="How many events at most")
    cursor: str | None = Field(None, description="`next` of the page before; opaque")

    @field_validator("cursor")
    @classmethod
    def _is_ours(cls, cursor: str | None) -> str | None:
        if cursor is not None:
            decode_cursor(cursor)
        return cursor


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
    """Events, newest first."""

    items: list[EventRecord]
    next: str | None = Field(description="The cursor of the next page; null on the last")


def blueprint(backend: Backend, page_bytes: int = PAGE_BYTES) -> APIBlueprint:
    """The two routes that read; a page of more than one event has at most `page_bytes`."""
    routes = APIBlueprint("query", __name__, url_prefix="/v1/events")

    @routes.get("")
    @routes.input(EventsQuery, location="query", arg_name="query")
    @routes.output(EventsPage, description="A page; it may be shorter than asked for")
    @routes.doc(summary="What arrived, newest first", tags=["Events"], responses=_UNAVAILABLE)
    @reads_much
    def list_events(query: EventsQuery) -> Response:
        before = None if query.cursor is None else decode_cursor(query.cursor)
        page = backend.newest(before, query.limit, page_bytes)
        following = encode_cursor(page.records[-1].position) if page.more else None
        return _page([_to_json(record) for record in page.records], following)

    @routes.get("/<int:position>")
    @routes.output(EventRecord, description="The event")
    @routes.doc(
        summary="The event at a position",
        tags=["Events"],
        responses={404: "There is none", **_UNAVAILABLE},
    )
    def get_event(position: int) -> Response:
        record = backend.get(position) if position <= MAX_POSITION else None
        if record is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no event at this position")
        return _response([_to_json(record)])

    return routes


def encode_cursor(position: int) -> str:
    """The cursor of the page that goes on below a position."""
    return cursors.encode(f"before:{position}")


def decode_cursor(cursor: str) -> int:
    """The position of a cursor. Raises ValueError where no page gave it."""
    match = _CURSOR.fullmatch(cursors.decode(cursor))
    if match is None or int(match[1]) > MAX_POSITION:
        raise ValueError("is no cursor that a page gave")
    return int(match[1])


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
    return orjson.dumps(document)


def _page(items: Sequence[bytes], following: str | None) -> Response:
    """The EventsPage of these items, in parts: as one text it would be in memory twice."""
    separated = [part for item in items for part in (b",", item)][1:]
    return _response([b'{"items":[', *separated, b'],"next":', orjson.dumps(following), b"}"])


def _response(parts: Sequence[bytes]) -> Response:
    length = {"Content-Length": str(sum(map(len, parts)))}
    return Response(parts, headers=length, content_type="application/json")
