"""Live tail: `GET /v1/events/stream`, server-sent events that go on after any position."""

import re
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Final, NamedTuple

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api import filtered
from audit_service.api.events_query import MAX_POSITION
from audit_service.api.openapi import STREAM
from audit_service.api.stream_frames import BEGIN, COMMENT, frame, progress
from audit_service.api.stream_timing import STREAM_TIMING, StreamTiming
from audit_service.log import LogUnavailable
from audit_service.metrics import StreamMetrics
from audit_service.search import Budget, Expression, InvalidFilters, Order, Search
from audit_service.search.live import Hub
from audit_service.search.readers import Reader
from service_kit.access.principal import ANYONE, Principal, current
from service_kit.access.token_cache import TokensUnavailable
from service_kit.clock import now_in_microseconds
from service_kit.concurrency import Runner
from service_kit.http.blocking import never_blocks
from service_kit.http.problems import unavailable
from service_kit.http.query_parameters import repeatable

PAGE: Final = 200
RETRY_SECONDS: Final = 5
AWAY_SECONDS: Final = 0.2
LAST_ID: Final = "Last-Event-ID"

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
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
        timing: StreamTiming = STREAM_TIMING,
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
        self._timing = timing
        self._open = 0

    def open(
        self, expression: Expression, after: int | None, principal: Principal = ANYONE
    ) -> Iterator[bytes]:
        """The stream of what matches, after a position, or from now on; it ends once the principal
        may no longer. Raises Problem, 503.
        """
        self._check_number()
        last = self._run(self._search.log.last)
        # Others have been opened while this one waited.
        self._check_number()
        position = last if after is None else min(after, last)
        return self._frames(expression, position, principal)

    def _check_number(self) -> None:
        if self._open >= self._most:
            raise unavailable("there are too many streams", retry_after=RETRY_SECONDS)

    def _frames(
        self, expression: Expression, position: int, principal: Principal
    ) -> Iterator[bytes]:
        # Not before it is begun: one that never is has no end either.
        self._open += 1
        self._metrics.opened()
        try:
            yield BEGIN + progress(position)
            written_at = time.monotonic()
            for frames, reached in self._followed(expression, position, principal):
                if frames or time.monotonic() - written_at >= self._timing.quiet_seconds:
                    yield frames or COMMENT + progress(reached)
                    written_at = time.monotonic()
                # Here and below: while more is waited for it need not be in memory.
                del frames
        finally:
            self._open -= 1
            self._metrics.closed()

    def _followed(
        self, expression: Expression, position: int, principal: Principal
    ) -> Iterator[tuple[bytes, int]]:
        """Frames of what matches after a position, as it arrives, and up to where that is all; none
        now and then.
        """
        while self._goes_on(principal):
            page = self._run(partial(self._page, expression, position))
            position, more = page.position, page.more
            yield page.frames, position
            del page
            reader = None if more else self._hub.join(expression, position)
            if reader is not None:
                position = yield from self._handed(reader, principal)

    def _handed(
        self, reader: Reader, principal: Principal
    ) -> Generator[tuple[bytes, int], None, int]:
        """What the hub hands over; up to which position that is all, once it is behind."""
        position = reader.queue.position
        seconds = self._timing.quiet_seconds
        if principal is not ANYONE:
            seconds = min(seconds, self._timing.asked_seconds)
        try:
            while self._goes_on(principal):
                handed = self._hub.next(reader, time.monotonic() + seconds)
                # What it was told before it fell behind is never taken back.
                position, is_behind = max(position, handed.position), handed.is_behind
                yield handed.frames, position
                del handed
                if is_behind:
                    break
        finally:
            self._hub.leave(reader)
        return position

    def _goes_on(self, principal: Principal) -> bool:
        """Whether it does, once that can be found out: nothing is sent meanwhile."""
        while not self._is_over():
            try:
                return principal.is_current()
            except TokensUnavailable:
                self._hub.pause(AWAY_SECONDS)
        return False

    def _page(self, expression: Expression, position: int) -> "_Page":
        if self._is_over():
            # Others have waited for their turn, too.
            return _Page(b"", position, more=False)
        try:
            found = self._search.find(
                expression, Order.ASCENDING, position, limit=PAGE, budget=_BUDGET
            )
        except LogUnavailable:
            # It may be over soon, and the stream goes on.
            time.sleep(AWAY_SECONDS)
            return _Page(b"", position, more=True)
        return _Page(b"".join(map(frame, found.records)), found.scanned_to, found.more)


class _Page(NamedTuple):
    """Frames of what was found up to a position; `more`: there is more by now."""

    frames: bytes
    position: int
    more: bool


def blueprint(streams: Streams) -> APIBlueprint:
    """The route."""
    routes = APIBlueprint("stream", __name__, url_prefix="/v1/events")

    @routes.get("/stream")
    @routes.doc(**STREAM)
    @never_blocks
    @repeatable
    def stream() -> Response:
        expression, after = _asked()
        frames = streams.open(expression, after, current())
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
