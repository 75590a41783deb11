"""Query of the log: `GET /v1/events` and `GET /v1/events/{position}`."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from audit_service.api import events_query
from audit_service.api.event_record import EventRecord, record_json
from audit_service.api.events_query import EventsQuery
from audit_service.api.existing_event import existing_event
from audit_service.api.openapi import LIST, UNAVAILABLE
from audit_service.search import Budget, Found, Search
from audit_service.search.arrivals import Arrivals
from audit_service.search.counting import Count, count
from service_kit.access.guard import still_may
from service_kit.access.principal import current
from service_kit.clock import now_in_microseconds
from service_kit.concurrency import Runner
from service_kit.http.blocking import never_blocks
from service_kit.http.query_parameters import repeatable

PAGE_BYTES = 8 * 1024 * 1024


class EventCount(BaseModel):
    """How many events match in all."""

    matches: int
    complete: bool = Field(description="False: there may be more; to count took too long")


class EventsPage(BaseModel):
    """Events in the order that was asked for."""

    items: list[EventRecord]
    next: str | None = Field(
        description="The cursor of the next page; null on the last, but with `wait`"
    )
    scanned_to: int = Field(
        description="The last position that was looked at: a page may be short, or empty, before "
        "all of the log was; 0 where there was none"
    )
    count: EventCount | None = Field(default=None, description="With `count=true`")


def blueprint(
    search: Search,
    arrivals: Arrivals,
    run: Runner,
    page_bytes: int = PAGE_BYTES,
) -> APIBlueprint:
    """The two routes that read; a page of more than one event has at most `page_bytes`.

    `run`: runs what reads much.
    """
    routes = APIBlueprint("query", __name__, url_prefix="/v1/events")

    budget = Budget(page_bytes=page_bytes)

    @routes.get("")
    @routes.output(EventsPage, description="A page, maybe short; `Link` says where the next one is")
    @routes.doc(**LIST)
    @never_blocks
    @repeatable
    def list_events() -> Response:
        asked = run(lambda: events_query.read(request.args, now_in_microseconds()))
        found = first_found(search, asked, budget, arrivals, run)
        if asked.wait:
            still_may(current())
        following = asked.cursor_at(found.scanned_to) if found.more or asked.wait else None
        counted = run(lambda: count(search, asked.expression, budget)) if asked.counts else None
        items = run(lambda: [record_json(record) for record in found.records])
        return _page(items, following, found.scanned_to, counted)

    @routes.get("/<int:position>")
    @routes.output(EventRecord, description="The event")
    @routes.doc(
        summary="The event at a position",
        tags=["Events"],
        responses={404: "There is none", **UNAVAILABLE},
    )
    def get_event(position: int) -> Response:
        return _response([record_json(existing_event(search.log, position))])

    return routes


def first_found(
    search: Search, asked: EventsQuery, budget: Budget, arrivals: Arrivals, run: Runner
) -> Found:
    """What is found, once there is any, or the time to wait for it is over."""
    deadline = time.monotonic() + asked.wait
    start = asked.start
    while True:
        find = partial(
            search.find, asked.expression, asked.order, start, limit=asked.limit, budget=budget
        )
        found = run(find)
        start = found.scanned_to
        if found.records or found.more or not arrivals.wait_beyond(start, deadline):
            return found


def _page(
    items: Sequence[bytes], following: str | None, scanned_to: int, counted: Count | None
) -> Response:
    """The EventsPage of these items, in parts: as one text it would be in memory twice."""
    separated = [part for item in items for part in (b",", item)][1:]
    end: dict[str, Any] = {"next": following, "scanned_to": scanned_to}
    if counted is not None:
        end["count"] = {"matches": counted.matches, "complete": counted.is_complete}
    response = _response([b'{"items":[', *separated, b"],", orjson.dumps(end)[1:]])
    if following is not None:
        given = [pair for pair in request.args.items(multi=True) if pair[0] != "cursor"]
        query = urlencode([*given, ("cursor", following)])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def _response(parts: Sequence[bytes]) -> Response:
    length = {"Content-Length": str(sum(map(len, parts)))}
    return Response(parts, headers=length, content_type="application/json")
