"""Live tail: `GET /v1/events/stream`, server-sent events that go on after any position."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api import filtered
from audit_service.api.event_record import one_line, record_json
from audit_service.api.events_query import MAX_POSITION
from audit_service.api.openapi import STREAM
from audit_service.log import Record
from audit_service.metrics import StreamMetrics
from audit_service.search import (
    Budget,
    Expression,
    Found,
    InvalidFilters,
    Order,
    Search,
)
from audit_service.search.live import Hub, Reader
from service_kit.clock import now_in_microseconds
from service_kit.concurrency import Runner
from service_kit.http.blocking import never_blocks
from service_kit.http.problems import unavailable
from service_kit.http.query_parameters import repeatable

PAGE: Final = 200
FRAMES: Final = 256
FRAME_BYTES: Final = 16 * 1024
"""The most frames that are kept, and the longest of them."""
QUIET_SECONDS: Final = 15.0
RETRY_SECONDS: Final = 5
LAST_ID: Final = "Last-Event-ID"

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_BEGIN: Final = b"retry: 1000\n\n"
_COMMENT: Final = b":\n\n"
_BUDGET: Final = Budget(seconds=0.5, page_bytes=1024 * 1024)
_POSITION = re.compile(r"[0-9]{1,19}", re.ASCII)


class Streams:
    """The streams of a worker."""

    def __init__(
        self,
        search: Search,
        hub: Hub,
        run: Runner,
        metrics: StreamMetrics,
        *,
        most: int,
        is_over: Callable[[], bool],
    ) -> None:
        """`most`: that are open at once; `run`: reads the log for those that are behind; `is_over`:
        whether all of them are to end.
        """
        self._search = search
        self._hub = hub
        self._run = run
        self._metrics = metrics
        self._most = most
        self._is_over = is_over
        self._open = 0
        self._frames_made: dict[int, bytes] = {}

    def open(self, expression: Expression, after: int | None) -> Iterator[bytes]:
        """The stream of what matches, after a position, or from now on. Raises Problem, 503."""
        if self._open >= self._most:
            raise unavailable("there are too many streams", retry_after=RETRY_SECONDS)
        position = self._run(self._search.log.last) if after is None else after
        return self._frames(expression, position)

    def _frames(self, expression: Expression, position: int) -> Iterator[bytes]:
        # Not before it is begun: one that never is has no end either.
        self._open += 1
        self._metrics.opened()
        written_at = time.monotonic()
        try:
            yield _BEGIN
            for records in self._followed(expression, position):
                if records:
                    yield b"".join(map(self._frame, records))
                elif time.monotonic() - written_at < QUIET_SECONDS:
                    continue
                else:
                    yield _COMMENT
                written_at = time.monotonic()
        finally:
            self._open -= 1
            self._metrics.closed()

    def _frame(self, record: Record) -> bytes:
        """What is sent of a record, kept for others that are sent it, too."""
        frame = self._frames_made.get(record.position)
        if frame is None:
            if len(self._frames_made) >= FRAMES:
                self._frames_made.clear()
            frame = b"id: %d\ndata: %b\n\n" % (record.position, one_line(record_json(record)))
            if len(frame) <= FRAME_BYTES:
                self._frames_made[record.position] = frame
        return frame

    def _followed(self, expression: Expression, position: int) -> Iterator[Iterable[Record]]:
        """What matches after a position, as it arrives; nothing now and then."""
        while not self._is_over():
            found = self._run(partial(self._read, expression, position))
            position = found.scanned_to
            yield found.records
            reader = None if found.more else self._hub.join(expression, position)
            if reader is not None:
                yield from self._handed(reader)
                position = reader.position

    def _read(self, expression: Expression, position: int) -> Found:
        return self._search.find(expression, Order.ASCENDING, position, limit=PAGE, budget=_BUDGET)

    def _handed(self, reader: Reader) -> Iterator[Iterable[Record]]:
        try:
            while not self._is_over():
                yield self._hub.next(reader)
                if reader.is_behind:
                    return
        finally:
            self._hub.leave(reader)


def blueprint(streams: Streams) -> APIBlueprint:
    """The route."""
    routes = APIBlueprint("stream", __name__, url_prefix="/v1/events")

    @routes.get("/stream")
    @routes.doc(**STREAM)
    @never_blocks
    @repeatable
    def stream() -> Response:
        expression, after = _asked()
        frames = streams.open(expression, after)
        return Response(frames, headers=_HEADERS, content_type="text/event-stream")

    return routes


def _asked() -> tuple[Expression, int | None]:
    """Raises InvalidFilters."""
    asked = filtered.read(request.args, now_in_microseconds(), {"after": _position})
    header = request.headers.get(LAST_ID)
    try:
        after = _position(header) if header else asked.own.get("after")
    except ValueError as error:
        raise InvalidFilters({LAST_ID: str(error)}) from None
    return asked.expression, after


def _position(text: str) -> int:
    if not _POSITION.fullmatch(text) or int(text) > MAX_POSITION:
        raise ValueError("must be a position")
    return int(text)
