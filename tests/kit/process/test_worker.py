"""A worker carries hundreds of streams, and answers whoever has connected before it stops."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.slow_clients import WHOLE, connect, p99, probe
from tests.support.streaming_service import BEGUN, GO
from tests.support.waiting import wait_until

STREAMS = 500
TICKS = 30
PROBES = 100
MOST_SECONDS = 0.5


@contextmanager
def streaming_service(port: int, *folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A service that has not started yet; with a folder it waits there for GO."""
    command = [sys.executable, "-m", "tests.support.streaming_service", str(port)]
    command += map(str, folder)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            yield service
        finally:
            service.kill()


@pytest.fixture
def url() -> Iterator[str]:
    port = free_port()
    with streaming_service(port):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_live(url), 10)
        yield url


def test_a_worker_that_is_stopped_before_it_has_started_answers_who_has_connected(
    tmp_path: Path,
) -> None:
    port = free_port()
    with streaming_service(port, tmp_path) as service:
        wait_until((tmp_path / BEGUN).exists, 10)
        with connect(f"http://127.0.0.1:{port}") as client:
            client.sendall(WHOLE)
            service.terminate()
            (tmp_path / GO).touch()
            assert client.recv(12) == b"HTTP/1.1 200"
        assert service.wait(30) == 0


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
