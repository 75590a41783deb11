"""Bombs: requests that are cheap to send and take much memory to read, or to answer.

Some are within the limits and take as much as these let them, some are far beyond.
"""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import requests

MIB = 1024 * 1024
BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
JSON = "application/json"
TIMEOUT_SECONDS = 120.0
NO_ANSWER = 0

_EVENT = '{"specversion":"1.0","id":"bomb","source":"/bombs","type":"t","data":'
_PAGE_EVENTS = 40


@dataclass(frozen=True)
class Bomb:
    """A request of many units, with commas between them; without any it is a GET.

    `chunked`: without Content-Length.
    """

    name: str
    content_type: str
    unit: str
    units: int
    before: str = ""
    after: str = ""
    chunked: bool = False
    path: str = "/"

    @property
    def body(self) -> bytes:
        """Made when it is asked for first."""
        return _body(self)

    @property
    def head(self) -> bytes:
        method = "POST" if self.units else "GET"
        lines = [f"{method} {self.path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        if self.units:
            announced = f"Content-Length: {len(self.body)}"
            lines.append(f"Content-Type: {self.content_type}")
            lines.append("Transfer-Encoding: chunked" if self.chunked else announced)
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def pieces(self) -> Iterator[bytes]:
        """The whole request as it goes over the wire."""
        yield self.head
        if self.units and not self.chunked:
            yield self.body
        elif self.units:
            for start in range(0, len(self.body), MIB):
                part = self.body[start : start + MIB]
                yield b"%x\r\n%b\r\n" % (len(part), part)
            yield b"0\r\n\r\n"


def _event(data: str) -> str:
    return f"{_EVENT}{data}}}"


_WIDE = json.dumps("\U0001f63c" + "x" * 1_000_000, ensure_ascii=False)
_NUMBERS = f"[ {','.join('0' * 24_000)}]"
_OBJECT = '{"a":0}'
_OBJECTS = f"[ {','.join([_OBJECT] * 12_000)}]"

EVENT_BOMBS = (
    Bomb("an event of 1.3 million objects", BATCH, '{"a":0}', 1_310_000, f"[{_EVENT}[", "]}]"),
    Bomb("the same, chunked", BATCH, '{"a":0}', 1_310_000, f"[{_EVENT}[", "]}]", chunked=True),
    Bomb("`[{},{},…]`", BATCH, "{}", 3_490_000, "[", "]"),
    Bomb("10 events of 24,000 numbers", BATCH, _event(_NUMBERS), 10, "[ ", "]"),
    Bomb("10 events of 12,000 objects", BATCH, _event(_OBJECTS), 10, "[ ", "]"),
    Bomb("10 events of 1 MB, one character wide", BATCH, _event(_WIDE), 10, "[ ", "]"),
    Bomb("an event of 240,000 numbers", STRUCTURED, "0", 240_000, f"{_EVENT}[ ", "]}"),
    Bomb("an event of 120,000 objects", STRUCTURED, '{"a":0}', 120_000, f"{_EVENT}[ ", "]}"),
    Bomb("a single event of 10 MB", STRUCTURED, "0", 5 * MIB, f"{_EVENT}[", "]}"),
    Bomb("10,000 items that are no events", BATCH, "{}", 10_000, "[", "]"),
    Bomb("an array a million deep", STRUCTURED, "[" * 1_000_000, 1, _EVENT),
    Bomb("pages of control characters", "", "", 0, path="/v1/events?limit=1000"),
)
"""For the audit service, the last once `fill_pages` was called."""

USER_BOMBS = (
    Bomb("a user of 64 KB of objects", JSON, '{"a":0}', 8_000, '{"name":[', "]}", path="/v1/user"),
    Bomb("a user of 10 MB", JSON, "0", 5 * MIB, '{"name":[', "]}", path="/v1/user"),
)
"""For the user service."""


@cache
def _body(bomb: Bomb) -> bytes:
    repeated = ",".join([bomb.unit] * bomb.units)
    return f"{bomb.before}{repeated}{bomb.after}".encode()


def fill_pages(url: str) -> None:
    """Store events whose data are control characters, which take six bytes each in a page."""
    for number in range(_PAGE_EVENTS):
        headers = {"Content-Type": "text/plain", "ce-specversion": "1.0", "ce-source": "/bombs"}
        headers |= {"ce-id": f"page {number}".replace(" ", "-"), "ce-type": "t"}
        requests.post(url, data=b"\x01" * 1_000_000, headers=headers, timeout=60).raise_for_status()


def send(port: int, bomb: Bomb) -> int:
    """The status of the answer, NO_ANSWER where there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
            for piece in bomb.pieces():
                connection.sendall(piece)
            with connection.makefile("rb") as answer:
                words = answer.readline().split()
                while answer.read(MIB):
                    pass
        return int(words[1])
    except (OSError, IndexError, ValueError):
        return NO_ANSWER
