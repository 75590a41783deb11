"""No client holds an admin server up, and none keeps a connection for long."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from service_kit.http import app as service_app
from service_kit.process import admin_server
from service_kit.process.admin_connections import MOST_CONNECTIONS
from service_kit.process.admin_server import AdminServer
from tests.support import slow_clients
from tests.support.slow_clients import HALF_BODY, HALF_HEAD, METRICS, WHOLE
from tests.support.waiting import wait_until

SOON = 0.1
FOR_EVER = 3600.0


def _app(check: Callable[[], object]) -> Flask:
    checks = {"database": check}
    return service_app.create("trial", title="Trial", version="1", problem_for={}, checks=checks)


@pytest.fixture
def patient() -> Iterator[AdminServer]:
    """A server that closes no connection for its age."""
    port = admin_server.start(_app(lambda: None), deadline=FOR_EVER)
    yield port
    port.close()


@pytest.fixture
def impatient() -> Iterator[AdminServer]:
    """A server that closes a connection at the next look."""
    port = admin_server.start(_app(lambda: None), deadline=0.1)
    yield port
    port.close()


def _is_closed_after(connection: socket.socket, sent: bytes) -> bool:
    try:
        connection.sendall(sent)
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HALF_BODY, WHOLE, 200 * METRICS])
def test_clients_that_wait_and_read_nothing_delay_no_probe(
    patient: AdminServer, sent: bytes
) -> None:
    with ExitStack() as stack:
        slow_clients.hold(patient.url, 99, stack, sent)
        seconds = sorted(slow_clients.probe(patient.url) for _ in range(20))
    assert seconds[-2] < SOON


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HALF_BODY])
def test_a_connection_without_a_whole_request_is_closed_at_its_deadline(
    impatient: AdminServer, sent: bytes
) -> None:
    with ExitStack() as stack:
        (connection,) = slow_clients.hold(impatient.url, 1, stack, sent)
        assert connection.recv(1) == b""


def test_a_head_that_dribbles_does_not_put_the_deadline_off(impatient: AdminServer) -> None:
    with slow_clients.connect(impatient.url) as connection:
        connection.settimeout(0.05)
        wait_until(lambda: _is_closed_after(connection, b"x"), 10)


def test_past_the_bound_the_oldest_idle_connection_is_closed(patient: AdminServer) -> None:
    with ExitStack() as stack:
        connections = slow_clients.hold(patient.url, MOST_CONNECTIONS + 1, stack)
        assert connections[0].recv(1) == b""
        connections[1].sendall(WHOLE)
        assert connections[1].recv(12) == b"HTTP/1.1 200"


def test_a_connection_is_for_one_request(patient: AdminServer) -> None:
    with slow_clients.connect(patient.url) as connection:
        connection.sendall(WHOLE + WHOLE)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"Connection: close" in answer


def test_a_database_that_hangs_keeps_no_probe_of_life_waiting() -> None:
    hangs, asked = threading.Event(), threading.Event()

    def ping() -> None:
        asked.set()
        hangs.wait()

    port = admin_server.start(_app(ping))
    with ExitStack() as stack:
        stack.callback(port.close)
        stack.callback(hangs.set)
        slow_clients.hold(port.url, 9, stack, WHOLE.replace(b"livez", b"readyz"))
        assert asked.wait(5)
        slow_clients.probe(port.url)
