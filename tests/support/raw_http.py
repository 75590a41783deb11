"""Requests as raw bytes, such as no client would send."""

import re
import socket
from urllib.parse import urlsplit


def status_line(url: str, request: bytes) -> str:
    """The status line of the answer to raw bytes, after which no more come."""
    return answer(url, request).partition("\r\n")[0]


def answer(url: str, request: bytes) -> str:
    """The whole answer, until the server closes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read().decode("latin-1")


def event(event_id: str, body: bytes = b"", *headers: str) -> bytes:
    """A request that posts an event in binary mode; `headers`: whole lines beside its own."""
    lines = (
        "POST / HTTP/1.1",
        "Host: localhost",
        f"ce-id: {event_id}",
        "ce-source: /raw",
        "ce-type: t",
        "ce-specversion: 1.0",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes; raises ConnectionResetError where it breaks off."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def next_answer(connection: socket.socket) -> bytes:
    """One answer on a connection that is kept; raises ConnectionError where it does not come."""
    received = b""
    while not _is_whole(received):
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError(f"closed after {received[:200]!r}")
        received += part
    return received


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)
