"""Connections that stay open: how many there are, and what may come over one."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import processes, raw_http
from tests.support.slow_clients import LAST_ONE, WHOLE, connect

MOST = 8


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Service]:
    """A worker, which has few connections."""
    with processes.audit_service(
        tmp_path_factory.mktemp("audit"),
        AUDIT_SERVICE_WORKERS=1,
        AUDIT_SERVICE_MAX_CONNECTIONS=MOST,
    ) as service:
        yield service


def ask(connection: socket.socket, request: bytes = WHOLE) -> bytes:
    """The status line of the answer to a request on a connection that is kept."""
    connection.sendall(request)
    return raw_http.next_answer(connection).partition(b"\r\n")[0]


def stored(audit: processes.Service, event_id: str) -> list[str]:
    """The data of each event of that id."""
    events = (record["event"] for record in processes.stored_events(audit.url))
    return [event["data"] for event in events if event["id"] == event_id]


def test_past_the_bound_the_one_that_is_longest_idle_makes_room(audit: processes.Service) -> None:
    event = raw_http.event("at the bound", b"whole")
    with ExitStack() as stack:
        busy, *idle = (stack.enter_context(connect(audit.url)) for _ in range(MOST))
        busy.sendall(event[:-2])
        for connection in (*idle, idle[0]):
            assert ask(connection) == b"HTTP/1.1 200 OK"
        new = stack.enter_context(connect(audit.url))
        assert ask(new) == b"HTTP/1.1 200 OK"
        assert idle.pop(1).recv(1) == b""
        for connection in idle:
            assert ask(connection) == b"HTTP/1.1 200 OK"
        assert ask(busy, event[-2:]) == b"HTTP/1.1 204 NO CONTENT"
    assert stored(audit, "at the bound") == ["whole"]


def test_requests_that_come_together_are_answered_in_turn(audit: processes.Service) -> None:
    with connect(audit.url) as connection:
        events = (raw_http.event(f"pipelined {number}", b"1") for number in range(3))
        connection.sendall(b"".join(events) + WHOLE + LAST_ONE)
        answers = raw_http.rest(connection)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == 3 * [b"204"] + 2 * [b"200"]


def test_who_expects_100_is_told_to_go_on(audit: processes.Service) -> None:
    request = raw_http.event("expected", b"body", "Expect: 100-continue")
    with connect(audit.url) as connection:
        assert ask(connection, request[:-4]) == b"HTTP/1.1 100 Continue"
        assert ask(connection, request[-4:]) == b"HTTP/1.1 204 NO CONTENT"
        assert ask(connection) == b"HTTP/1.1 200 OK"
    assert stored(audit, "expected") == ["body"]


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_slow_upload_is_stored_once_as_it_is(audit: processes.Service, *, chunked: bool) -> None:
    event_id = f"slow {chunked}"
    parts = [f"{number:05d} ".encode() * 500 for number in range(30)]
    request = raw_http.event(event_id, b"".join(parts))
    head = request[: -30 * len(parts[0])]
    if chunked:
        announced = b"Content-Length: %d" % (30 * len(parts[0]))
        head = head.replace(announced, b"Transfer-Encoding: chunked")
    with connect(audit.url) as connection:
        connection.sendall(head)
        for part in parts:
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            time.sleep(0.05)
        assert ask(connection, b"0\r\n\r\n" if chunked else b"") == b"HTTP/1.1 204 NO CONTENT"
    assert stored(audit, event_id) == [b"".join(parts).decode()]
