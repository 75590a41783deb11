"""Connections that are open in a worker: bounded in number, in time and in what they hold."""

import heapq
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gevent
import structlog

from service_kit.process.client_connection import ClientConnection, Site
from service_kit.process.client_socket import ClientSocket, Waiting
from service_kit.settings.server import ServerSettings

log = structlog.get_logger()

LINGER_SECONDS: Final = 2.0
BODY_GRACE_SECONDS: Final = 10.0
"""For which a body may come more slowly than it has to."""
QUIET_SECONDS: Final = 0.5
"""Without a request, or without taking more of a stream, after which a connection is closed when
the worker stops.
"""
OTHER_FILES: Final = 256
HELD_BYTES: Final = 64 * 1024 * 1024
TELL_SECONDS: Final = 1.0

# Sequences, since a set would ask each for its hash, which takes longer than to compare.
_IDLE: Final = (Waiting.REQUEST,)
_CLOSING: Final = (Waiting.END,)
_SLOW: Final = (Waiting.HEAD, Waiting.BODY, Waiting.READER)


def _still_since(client: ClientSocket) -> float:
    return client.progress


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections there may be, and seconds that a client has: for a head, from its first
    byte; for a body; without a request; to read more of an answer.

    `body_rate`: the fewest bytes of a body a second; `held`: the most bytes in memory for clients
    that are waited for.
    """

    number: int
    head: float
    body: float
    body_rate: int
    idle: float
    answer: float
    held: int = HELD_BYTES

    @classmethod
    def of(cls, settings: ServerSettings, files: int) -> "Bounds":
        """Those that are set, within so many files that may be open."""
        return cls(
            number=max(1, min(settings.max_connections, files - OTHER_FILES)),
            head=settings.head_timeout,
            body=settings.body_timeout,
            body_rate=settings.body_rate,
            idle=settings.idle_timeout,
            answer=settings.answer_timeout,
        )


class Connections:
    """The connections, each in a greenlet. Owned by the thread of these."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        # The oldest first.
        self._open: dict[ClientSocket, None] = {}
        self._held = 0
        self._stopped_at = 0.0
        self.is_stopping = False
        # Those of whom no line has told yet.
        self._cut_off = 0
        self._told_at = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connected: Any, address: Any, site: Site) -> None:
        """Serve a client that has connected; past the bound, in place of another."""
        if len(self._open) >= self._bounds.number and not self.make_room():
            connected.close()
            return
        client = ClientSocket(connected, self)
        self._open[client] = None
        gevent.spawn(self._serve, client, ClientConnection(client, address, site, self))

    def end_late(self) -> None:
        """End those that have had their time."""
        now = time.monotonic()
        for client in self._open:
            if self._is_late(client, now):
                client.end()
        if self._cut_off and now - self._told_at > TELL_SECONDS:
            log.warning(
                "clients were cut off, since others needed their room", clients=self._cut_off
            )
            self._cut_off, self._told_at = 0, now

    def stop(self) -> None:
        """Have each answer be the last one of its connection."""
        self.is_stopping = True
        self._stopped_at = time.monotonic()

    def hold(self, client: ClientSocket, size: int) -> None:
        """Count bytes; where there are too many, end whoever has neither sent nor read any for
        the longest time.
        """
        client.held += size
        self._held += size
        while self._held > self._bounds.held:
            others = (one for one in self._all(_SLOW) if one.held and one is not client)
            slowest = min(others, key=_still_since, default=None)
            if slowest is None:
                return
            slowest.end()
            self.release(slowest)
            self._cut_off += 1

    def give_back(self, client: ClientSocket, size: int) -> None:
        """Count so many bytes less, where they are counted still."""
        size = min(size, client.held)
        client.held -= size
        self._held -= size

    def release(self, client: ClientSocket) -> None:
        """Count none of it any more."""
        self.give_back(client, client.held)

    def make_room(self) -> bool:
        """Whether there is room for another: those that have been idle for the longest time have
        to end, or else some that are to be closed, or the slowest ones. Of many some, since to
        choose takes a look at them all.
        """
        some = max(1, len(self._open) // 64)
        for waiting in (_IDLE, _CLOSING, _SLOW):
            chosen = heapq.nsmallest(some, self._all(waiting), key=_still_since)
            for one in chosen:
                one.end()
                # It ends soon, but is no longer counted.
                self._open.pop(one)
            self._cut_off += len(chosen)
            if chosen:
                return True
        return False

    def _serve(self, client: ClientSocket, connection: ClientConnection) -> None:
        try:
            connection.serve()
        finally:
            self._open.pop(client, None)

    def _all(self, waiting: Sequence[Waiting]) -> Iterator[ClientSocket]:
        return (one for one in self._open if one.waiting in waiting)

    def _is_late(self, client: ClientSocket, now: float) -> bool:
        seconds, bounds = now - client.since, self._bounds
        late = False
        match client.waiting:
            case Waiting.REQUEST if self.is_stopping:
                quiet = now - max(client.since, self._stopped_at)
                # What has just come is answered.
                late = quiet > QUIET_SECONDS and not client.has_input()
            case Waiting.REQUEST:
                late = seconds > bounds.idle and not client.has_input()
            case Waiting.HEAD:
                late = seconds > bounds.head
            case Waiting.BODY:
                due = (seconds - BODY_GRACE_SECONDS) * bounds.body_rate
                late = seconds > bounds.body or client.received < due
            case Waiting.READER if self.is_stopping and client.is_streamed:
                late = now - max(client.progress, self._stopped_at) > QUIET_SECONDS
            case Waiting.READER:
                late = now - client.progress > bounds.answer
            case Waiting.END:
                late = seconds > LINGER_SECONDS
        return late
