"""Requests as raw bytes, such as no client would send."""

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
