"""SIGTERM under load: kept connections see nothing of it, new ones next to nothing."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.support import processes, raw_http
from tests.support.faults.working_threads import working
from tests.support.ports import free_port
from tests.support.slow_clients import WHOLE, connect
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

KEPT, NEW, IDLE = 16, 16, 8
# Of each of those that make new connections: one every few milliseconds in all.
PAUSE_SECONDS = 0.05
DRAIN_SECONDS = 2
STOP_SECONDS = 10


class Clients:
    """Clients of a service, which know what was answered. `resets`: of each stop."""

    def __init__(self, url: str, request: Callable[[str], bytes], status: int) -> None:
        self.acknowledged: list[str] = []
        self.resets: list[int] = []
        self._url = url
        self._request = request
        self._status = b"HTTP/1.1 %d " % status
        self._counting = threading.Lock()

    def see_a_stop(self, service: processes.Service) -> None:
        """Stop a service that they use, which MUST end well."""
        self.resets.append(0)
        wanted = len(self.acknowledged) + 200
        with ExitStack() as stack, working([self._keep_on] * KEPT + [self._begin_anew] * NEW):
            idle = [stack.enter_context(connect(self._url)) for _ in range(IDLE)]
            for connection in idle:
                connection.sendall(WHOLE)
                raw_http.next_answer(connection)
            wait_until(lambda: len(self.acknowledged) >= wanted)
            began = time.monotonic()
            assert service.terminate() == 0
            assert time.monotonic() - began < STOP_SECONDS
            assert [raw_http.rest(connection) for connection in idle] == [b""] * IDLE

    def _keep_on(self, stop: threading.Event) -> None:
        """One request after the other on one connection, until an answer says that it closes."""
        with connect(self._url) as connection:
            while b"\r\nconnection: close" not in self._ask(connection).lower():
                assert not stop.is_set()
            assert raw_http.rest(connection) == b""

    def _begin_anew(self, stop: threading.Event) -> None:
        """Connections of one request each; one that is refused never began."""
        while not stop.wait(PAUSE_SECONDS):
            try:
                with connect(self._url) as connection:
                    self._ask(connection)
            except ConnectionRefusedError:
                continue
            except ConnectionError:
                with self._counting:
                    self.resets[-1] += 1

    def _ask(self, connection: socket.socket) -> bytes:
        request_id = processes.fresh_id()
        connection.sendall(self._request(request_id))
        answer = raw_http.next_answer(connection)
        assert answer.startswith(self._status), answer
        self.acknowledged.append(request_id)
        return answer


def _event(event_id: str) -> bytes:
    return raw_http.event(event_id, b"of a stop")


def _users(_: str) -> bytes:
    return b"GET /v1/user?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_the_audit_service_stops_and_clients_see_nothing(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    with processes.audit_service(tmp_path) as audit:
        clients = Clients(audit.url, _event, 204)
        for _ in range(times(3, 20)):
            clients.see_a_stop(audit)
            audit.start()
        stored = Counter(record["event"]["id"] for record in processes.stored_events(audit.url))
    assert set(clients.acknowledged) <= set(stored)
    assert max(stored.values()) == 1
    assert max(clients.resets) <= 1


def test_the_user_service_stops_and_clients_see_nothing(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    with processes.user_service(tmp_path, f"http://127.0.0.1:{free_port()}/") as users:
        clients = Clients(users.url, _users, 200)
        for _ in range(times(3, 20)):
            clients.see_a_stop(users)
            users.start()
    assert max(clients.resets) <= 1


def test_a_service_that_drains_is_not_ready_and_goes_on(tmp_path: Path) -> None:
    def status(path: str) -> int:
        return requests.get(f"{audit.url}{path}", timeout=5).status_code

    def post() -> int:
        with requests.Session() as session:
            return processes.post_event(session, audit.url, processes.fresh_id())

    with processes.audit_service(tmp_path, AUDIT_SERVICE_DRAIN_SECONDS=DRAIN_SECONDS) as audit:
        audit.ask_to_stop()
        began = time.monotonic()
        # Of each worker.
        wait_until(lambda: {status("/readyz") for _ in range(10)} == {503}, 0.5)
        while time.monotonic() - began < DRAIN_SECONDS - 0.5:
            assert (status("/readyz"), status("/livez"), post()) == (503, 200, 204)
        assert audit.exit_code() == 0
        assert DRAIN_SECONDS <= time.monotonic() - began < DRAIN_SECONDS + STOP_SECONDS
