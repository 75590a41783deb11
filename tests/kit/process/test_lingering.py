"""Connections linger until their clients have read, for a bounded time and number of bytes."""

import selectors
import socket
from collections.abc import Iterator

import pytest

from service_kit.process.lingering import (
    LINGER_BYTES,
    LINGER_SECONDS,
    LingeringConnections,
)
from tests.support.manual_clock import ManualClock


class Loop:
    """A main loop that is turned by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.selector = selectors.DefaultSelector()
        self.lingering = LingeringConnections(self.selector, self.clock)
        self.closed = 0

    def add(self, connection: socket.socket) -> None:
        self.lingering.add(connection, self._count)

    def turn(self) -> None:
        if self.selector.get_map():
            for key, _ in self.selector.select(0):
                key.data(key.fileobj)
        self.lingering.close_expired()

    def _count(self) -> None:
        self.closed += 1


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end and the client's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(10)
        yield ours, theirs


def test_the_client_may_send_on_and_reads_the_answer(
    loop: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    ours.sendall(b"answer")
    loop.add(ours)
    for _ in range(100):
        theirs.sendall(b"x" * 10_000)
        loop.turn()
    assert (theirs.recv(100), theirs.recv(100)) == (b"answer", b"")
    assert loop.closed == 0
    theirs.close()
    loop.turn()
    assert (loop.closed, ours.fileno()) == (1, -1)


def test_a_client_that_sends_on_is_cut_off(
    loop: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    loop.add(ours)
    part = b"x" * 65_536
    for _ in range(LINGER_BYTES // len(part)):
        assert loop.closed == 0
        theirs.sendall(part)
        loop.turn()
    assert loop.closed == 1


def test_a_client_that_does_nothing_is_cut_off_in_time(
    loop: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    loop.add(pair[0])
    loop.clock.now += LINGER_SECONDS - 0.1
    loop.turn()
    assert loop.closed == 0
    loop.clock.now += 0.2
    loop.turn()
    assert (loop.closed, pair[0].fileno()) == (1, -1)


def test_a_client_that_is_gone_is_closed_at_once(
    loop: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    pair[0].close()
    loop.add(pair[0])
    assert loop.closed == 1
