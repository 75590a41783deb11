"""Slow clients of an HTTP port, and probes on connections of their own that they must not delay."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

HALF_HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = HALF_HEAD + b"\r\n"
HALF_BODY = HALF_HEAD + b"Content-Length: 100\r\n\r\nhalf"
LAST_ONE = HALF_HEAD + b"Connection: close\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
TIMEOUT_SECONDS = 20.0

Attack = Callable[[str, int, ExitStack], object]
"""So many connections to a URL, which the stack closes in the end."""

Probe = Callable[[], float]
"""Asks for something on a connection of its own; the seconds until it is answered."""


def connect(url: str) -> socket.socket:
    """A connection to the server of a URL, which MUST be closed."""
    parts = urlsplit(url)
    connection = socket.socket()
    # So that answers that are not read stay at the server.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(TIMEOUT_SECONDS)
    try:
        connection.connect((parts.hostname, parts.port))
    except OSError:
        connection.close()
        raise
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


def holding(sent: bytes = b"") -> Attack:
    """Connections that send this, then nothing, and read nothing."""
    return lambda url, number, stack: hold(url, number, stack, sent)


def holding_at_a_pace(sent: bytes, per_second: float) -> Attack:
    """The same, so many of them a second."""

    def attack(url: str, number: int, stack: ExitStack) -> None:
        for _ in range(number):
            hold(url, 1, stack, sent)
            time.sleep(1 / per_second)

    return attack


def close_together(url: str, number: int, _: ExitStack) -> None:
    """Connections that were answered, and are closed one right after the other."""
    with ExitStack() as stack:
        for connection in hold(url, number, stack, WHOLE):
            with suppress(ConnectionError):
                connection.recv(12)


def probe(url: str, request: bytes = LAST_ONE, status: int = 200) -> float:
    """Seconds until a request, of `/livez` by default, is answered with this status."""
    began = time.monotonic()
    with connect(url) as connection:
        connection.sendall(request)
        assert connection.recv(12) == b"HTTP/1.1 %d" % status
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


def p99_beside(
    attack: Callable[[ExitStack], object], probes: Mapping[str, Probe], number: int
) -> dict[str, float]:
    """The 99th percentile of each probe's seconds beside an attack.

    So many probes of each at least, in turn, and until all of the attack was sent.
    """
    seconds: dict[str, list[float]] = {name: [] for name in probes}
    with attacked(attack) as is_under_way:
        while is_under_way() or any(len(each) < number for each in seconds.values()):
            for name, ask in probes.items():
                seconds[name].append(ask())
    return {name: p99(each) for name, each in seconds.items()}


def best_p99_beside(
    attack: Callable[[ExitStack], object], probes: Mapping[str, Probe], number: int, enough: float
) -> dict[str, float]:
    """The same, the best of up to three attacks, until it is below `enough`: whatever else the
    machine does can only add to it.
    """
    best = p99_beside(attack, probes, number)
    for _ in range(2):
        if max(best.values()) < enough:
            break
        again = p99_beside(attack, probes, number)
        best = {name: min(best[name], again[name]) for name in best}
    return best


def p99(seconds: Sequence[float]) -> float:
    """Their 99th percentile."""
    return sorted(seconds)[int(len(seconds) * 0.99) - 1]
