"""Slow clients of an HTTP port, and a probe on a connection of its own that they must not delay."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

HALF_HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = HALF_HEAD + b"\r\n"
HALF_BODY = HALF_HEAD + b"Content-Length: 100\r\n\r\nhalf"
LAST_ONE = HALF_HEAD + b"Connection: close\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
TIMEOUT_SECONDS = 20.0

Attack = Callable[[str, ExitStack], object]
"""Connections to a URL, which the stack closes in the end."""


def connect(url: str) -> socket.socket:
    """A connection to the server of a URL, which MUST be closed."""
    parts = urlsplit(url)
    connection = socket.socket()
    # So that answers that are not read stay at the server.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect((parts.hostname, parts.port))
    return connection


def hold(url: str, number: int, stack: ExitStack, sent: bytes = b"") -> Sequence[socket.socket]:
    """So many connections that send this, then nothing, and read nothing."""
    connections = []
    for _ in range(number):
        connections.append(stack.enter_context(connect(url)))
        # One that was closed for a newer one meanwhile.
        with suppress(ConnectionError):
            connections[-1].sendall(sent)
    return connections


def probe(url: str) -> float:
    """Seconds until `/livez` is answered 200."""
    began = time.monotonic()
    with connect(url) as connection:
        connection.sendall(LAST_ONE)
        assert connection.recv(12) == b"HTTP/1.1 200"
    return time.monotonic() - began


@contextmanager
def attacked(attack: Callable[[ExitStack], object]) -> Iterator[Callable[[], bool]]:
    """The attack under way in a thread; yields whether it still is."""
    with ExitStack() as stack:
        thread = threading.Thread(target=attack, args=(stack,))
        thread.start()
        try:
            yield thread.is_alive
        finally:
            thread.join()


def probes_beside(url: str, attack: Attack, number: int) -> Sequence[float]:
    """The seconds of probes beside an attack: so many at least, and until all of it was sent."""
    seconds: list[float] = []
    with attacked(lambda stack: attack(url, stack)) as is_under_way:
        while len(seconds) < number or is_under_way():
            seconds.append(probe(url))
    return sorted(seconds)
