"""Latency at a fixed rate, measured from when each request was due.

A closed loop such as wrk's sends less while the server stalls, and so leaves out just those
requests that would have waited (coordinated omission). Here every connection has a schedule;
where an answer is late, what is due meanwhile is late too, and is counted so.
"""

import socket
import statistics
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import uuid_utils

CONNECTIONS = 16
TIMEOUT_SECONDS = 10.0

_REQUEST = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "ce-specversion: 1.0\r\nce-id: {id}\r\nce-source: github.com/eminetto/post-cloudevents\r\n"
    "ce-type: user.storeUser\r\nce-time: 2026-11-23T18:00:00.123456Z\r\nce-subject: {user}\r\n"
    "ce-partitionkey: {user}\r\nce-subjectversion: 1\r\nContent-Length: 46\r\n\r\n"
    '{{"id": "{user}"}}'
)


class WrongAnswer(Exception):
    """Something other than 204."""


@dataclass(frozen=True)
class Latency:
    """Of one run: percentiles in milliseconds, and the rate that was really sent."""

    rate: float
    p50: float
    p99: float
    worst: float


def run(url: str, rate: float, seconds: float) -> Latency:
    """Send single events at `rate` a second. Raises WrongAnswer."""
    begin = time.monotonic() + 0.1
    interval = CONNECTIONS / rate
    workers = [
        _Connection(url, begin + number / rate, interval, begin + seconds)
        for number in range(CONNECTIONS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if wrong := next((worker.wrong for worker in workers if worker.wrong), None):
        raise WrongAnswer(wrong)
    waits = sorted(wait * 1000 for worker in workers for wait in worker.waits)
    elapsed = max(worker.ended for worker in workers) - begin
    return Latency(len(waits) / elapsed, statistics.median(waits), _p99(waits), waits[-1])


def _p99(waits: Sequence[float]) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * 0.99))]


class _Connection(threading.Thread):
    """One kept-alive connection with its part of the schedule."""

    def __init__(self, url: str, begin: float, interval: float, end: float) -> None:
        super().__init__(daemon=True)
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port
        self._due, self._interval, self._end = begin, interval, end
        self.waits: list[float] = []
        self.wrong: str | None = None
        self.ended = begin

    def run(self) -> None:
        try:
            with socket.create_connection(self._address, TIMEOUT_SECONDS) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._send_all(connection)
        except (OSError, WrongAnswer) as error:
            self.wrong = str(error)
        self.ended = time.monotonic()

    def _send_all(self, connection: socket.socket) -> None:
        while self._due < self._end:
            request = _REQUEST.format(id=uuid_utils.uuid7(), user=uuid.uuid4()).encode()
            time.sleep(max(0.0, self._due - time.monotonic()))
            connection.sendall(request)
            _expect_204(connection)
            self.waits.append(time.monotonic() - self._due)
            self._due += self._interval


def _expect_204(connection: socket.socket) -> None:
    """Read one answer, which has no body."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        part = connection.recv(4096)
        if not part:
            raise WrongAnswer("the connection was closed")
        answer += part
    if not answer.startswith(b"HTTP/1.1 204 "):
        raise WrongAnswer(answer.partition(b"\r\n")[0].decode(errors="replace"))
