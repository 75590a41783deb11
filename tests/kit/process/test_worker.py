"""A worker carries hundreds of streams, and answers others beside them."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.ports import free_port
from tests.support.slow_clients import connect, p99, probe
from tests.support.waiting import wait_until

STREAMS = 500
TICKS = 30
PROBES = 100
MOST_SECONDS = 0.5


@pytest.fixture
def url() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.support.streaming_service", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _is_live(url), 10)
            yield url
        finally:
            service.kill()


def test_a_worker_carries_five_hundred_streams_and_answers_others(url: str) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(connect(url)) for _ in range(STREAMS)]
        for stream in streams:
            stream.sendall(b"GET /ticks HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for stream in streams:
            receive_tick(stream, 0)
        seconds = [probe(url) for _ in range(PROBES)]
        for stream in streams:
            receive_tick(stream, TICKS)
    assert p99(seconds) < MOST_SECONDS


def receive_tick(stream: socket.socket, number: int) -> None:
    """Return once a stream has come so far."""
    received = b""
    while f"data: {number}\n".encode() not in received:
        part = stream.recv(4096)
        assert part, "a stream has ended"
        received += part


def _is_live(url: str) -> bool:
    try:
        return probe(url) > 0
    except OSError:
        return False
