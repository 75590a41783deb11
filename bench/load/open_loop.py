"""Fixed rate: latency, measured from when each request was due.

A closed loop such as wrk's sends less while the server stalls, and so leaves out just those
requests that would have waited (coordinated omission). Here every connection has a schedule;
where an answer is late, what is due meanwhile is late too, and is counted so.

`python -m bench.load.open_loop URL RATE` sends until it is killed.
"""

import math
import socket
import statistics
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import uuid_utils

from bench.load.beside import BEGAN, say

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
    """An answer other than 204, or none."""


@dataclass(frozen=True)
class Latency:
    """Percentiles of one run in milliseconds, and the rate that was really sent."""

    rate: float
    p50: float
    p99: float
    worst: float


def send(url: str, rate: float, seconds: float) -> Latency:
    """Send single events at `rate` a second. Raises WrongAnswer, or OSError."""
    begin = time.monotonic() + 0.1
    send_all = partial(_send_all, url, interval=CONNECTIONS / rate, end=begin + seconds)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        dues = [begin + number / rate for number in range(CONNECTIONS)]
        found = [*pool.map(send_all, dues)]
        elapsed = time.monotonic() - begin
    waits = sorted(wait for each in found for wait in each)
    p99 = waits[int(len(waits) * 0.99)]
    return Latency(len(waits) / elapsed, statistics.median(waits), p99, waits[-1])


def _send_all(url: str, due: float, interval: float, end: float) -> list[float]:
    """Send the part of the schedule that one kept-alive connection has; milliseconds of each."""
    parts, waits = urlsplit(url), []
    with socket.create_connection((parts.hostname, parts.port), TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while due < end:
            request = _REQUEST.format(id=uuid_utils.uuid7(), user=uuid.uuid4()).encode()
            time.sleep(max(0.0, due - time.monotonic()))
            connection.sendall(request)
            _expect_204(connection)
            waits.append((time.monotonic() - due) * 1000)
            due += interval
    return waits


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


if __name__ == "__main__":
    say(BEGAN)
    send(sys.argv[1], float(sys.argv[2]), math.inf)
