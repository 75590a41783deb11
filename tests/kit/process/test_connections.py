"""Connections are bounded in number and bytes: who is not waited for is never cut off."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import pytest
from gevent import socket
from gunicorn.config import Config

from service_kit.process.client_connection import Site
from service_kit.process.connections import Bounds, Connections
from tests.support.ports import free_port

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = REQUEST[:-2]
MOST = 100_000_000
ANSWERED, TOO_LATE = b"HTTP/1.1 200", b"HTTP/1.1 408"


class Trial:
    """Connections of clients that are socket pairs, to an application that answers when it may."""

    def __init__(self, stack: ExitStack, number: int = 100, held: int = 10_000) -> None:
        bounds = Bounds(number, head=9, body=9, body_rate=0, idle=9, answer=9, held=held)
        self.connections = Connections(bounds)
        self.may_answer = gevent.event.Event()
        self.may_answer.set()
        self.streamed: Callable[[], Iterable[bytes]] | None = None
        self._stack = stack

    def connect(self, sent: bytes = b"") -> Any:
        """A client that has sent this, and waits for no more than a second."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            theirs = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        self._stack.callback(theirs.close)
        theirs.settimeout(1)
        site = Site(self._answer, Config(), "", lambda *_: None)
        self.connections.add(ours, ("127.0.0.1", 1), site)
        theirs.sendall(sent)
        gevent.sleep(0.01)
        return theirs

    def _answer(
        self, _: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], Any]
    ) -> Iterable[bytes]:
        self.may_answer.wait()
        if self.streamed is not None:
            start("200 OK", [("Content-Type", "text/plain")])
            return self.streamed()
        start("200 OK", [("Content-Length", "0")])
        return []


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
    # Ours close theirs.
    gevent.sleep(0.05)


def is_open(client: Any) -> bool:
    """Whether another request is answered."""
    client.sendall(REQUEST)
    return bool(client.recv(1000).startswith(ANSWERED))


def test_past_the_bound_the_longest_idle_one_is_closed(stack: ExitStack) -> None:
    trial = Trial(stack, number=3)
    half, first, second = trial.connect(HALF), trial.connect(), trial.connect()
    assert is_open(first)
    gevent.sleep(0.01)
    newest = trial.connect()
    assert second.recv(1000) == b""
    assert is_open(first)
    assert is_open(newest)
    half.sendall(b"\r\n")
    assert half.recv(1000).startswith(ANSWERED)


def test_without_an_idle_one_it_is_who_was_still_for_longest(stack: ExitStack) -> None:
    trial = Trial(stack, number=2)
    slower, slow = trial.connect(HALF), trial.connect(HALF)
    assert is_open(trial.connect())
    assert slower.recv(1000).startswith(TOO_LATE)
    slow.sendall(b"\r\n")
    assert slow.recv(1000).startswith(ANSWERED)


def test_who_is_being_answered_is_not_cut_off_for_another(stack: ExitStack) -> None:
    trial = Trial(stack, number=1)
    trial.may_answer.clear()
    answered = trial.connect(REQUEST)
    refused = trial.connect()
    assert refused.recv(1000) == b""
    trial.may_answer.set()
    assert answered.recv(1000).startswith(ANSWERED)


def test_past_the_bytes_that_may_be_held_who_was_still_for_longest_is_cut_off(
    stack: ExitStack,
) -> None:
    trial = Trial(stack, held=10_000)
    still, idle = trial.connect(HALF), trial.connect()
    still.sendall(b"a: " + b"x" * 6000)
    gevent.sleep(0.01)
    moving = trial.connect(HALF)
    moving.sendall(b"a: " + b"x" * 6000)
    assert still.recv(1000).startswith(TOO_LATE)
    assert is_open(idle)
    moving.sendall(b"\r\n\r\n")
    assert moving.recv(1000).startswith(ANSWERED)


def test_what_was_held_is_given_back_with_the_answer(stack: ExitStack) -> None:
    trial = Trial(stack, held=10_000)
    still = trial.connect(HALF)
    still.sendall(b"a: " + b"x" * 6000)
    client = trial.connect()
    for _ in range(10):
        client.sendall(HALF)
        gevent.sleep(0.01)
        client.sendall(b"a: " + b"x" * 3000 + b"\r\n\r\n")
        assert client.recv(1000).startswith(ANSWERED)
    still.sendall(b"\r\n\r\n")
    assert still.recv(1000).startswith(ANSWERED)


def test_a_client_that_always_has_sent_more_lets_others_have_their_turns(stack: ExitStack) -> None:
    trial = Trial(stack)
    busy, gaps, last = trial.connect(), [0.0], [time.monotonic()]
    busy.sendall(1000 * REQUEST)
    while busy.recv(1000) and len(gaps) < 30:
        gevent.sleep(0)
        gaps.append(time.monotonic() - last[0])
        last[0] = time.monotonic()
    assert max(gaps) < 0.1


def received(client: Any) -> bytes:
    """All that comes. Raises ConnectionResetError."""
    found = b""
    while len(found) < MOST and (part := client.recv(1_000_000)):
        found += part
    return found


def a_part_of() -> Iterator[bytes]:
    yield b"a part"
    gevent.sleep(0.01)
    raise ConnectionAbortedError


def a_part_of_a_faulty_one() -> Iterator[bytes]:
    yield b"a part"
    gevent.sleep(0.01)
    raise ValueError


@pytest.mark.parametrize("streamed", [a_part_of, a_part_of_a_faulty_one])
def test_an_answer_that_is_broken_off_does_not_end_as_a_whole_one_does(
    stack: ExitStack, streamed: Callable[[], Iterable[bytes]]
) -> None:
    trial = Trial(stack)
    trial.streamed = streamed
    # Of this version an answer ends with its connection.
    client = trial.connect(REQUEST.replace(b"1.1", b"1.0"))
    with pytest.raises(ConnectionResetError):
        received(client)


def whole() -> Iterator[bytes]:
    yield b"a part"
    yield b" and the rest"


def test_an_answer_that_ends_with_its_connection_ends_as_a_whole_one(stack: ExitStack) -> None:
    trial = Trial(stack)
    trial.streamed = whole
    client = trial.connect(REQUEST.replace(b"1.1", b"1.0"))
    assert received(client).endswith(b"a part and the rest")


def test_an_answer_is_reset_where_the_process_ends_within_it() -> None:
    port = free_port()
    command = [sys.executable, "-m", "tests.support.streaming_service", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            client = connected(port)
            client.sendall(b"GET /ticks HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert client.recv(1000)
        finally:
            pids = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
            for pid in [service.pid, *map(int, pids)]:
                os.kill(pid, signal.SIGKILL)
    with pytest.raises(ConnectionResetError):
        received(client)
    client.close()


def connected(port: int) -> Any:
    """Once somebody listens."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            gevent.sleep(0.05)


def without_end() -> Iterator[bytes]:
    while True:
        yield b"x" * 100_000


def test_a_stream_that_nobody_reads_is_broken_off_when_the_worker_stops(stack: ExitStack) -> None:
    trial = Trial(stack)
    trial.streamed = without_end
    client = trial.connect(REQUEST)
    gevent.sleep(0.2)
    trial.connections.end_late()
    assert len(trial.connections) == 1
    trial.connections.stop()
    began = time.monotonic()
    while trial.connections:
        trial.connections.end_late()
        gevent.sleep(0.05)
    assert time.monotonic() - began < 2
    with pytest.raises(ConnectionResetError):
        received(client)


def test_what_a_stream_sends_is_held_until_it_was_read(stack: ExitStack) -> None:
    trial = Trial(stack, held=250_000)
    trial.streamed = without_end
    first, second = trial.connect(REQUEST), trial.connect(REQUEST)
    gevent.sleep(0.2)
    assert len(trial.connections) == 2
    third = trial.connect(REQUEST)
    gevent.sleep(0.2)
    assert len(trial.connections) == 2
    with pytest.raises(ConnectionResetError):
        received(first)
    for client in (second, third):
        # Each reads on, and neither has to go for what it had before.
        assert sum(len(client.recv(1_000_000)) for _ in range(20)) > 0
    assert len(trial.connections) == 2
