"""Deadlines of a connection: for a head, a body, the next request, and an answer being read."""

import select
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from tests.support import processes, raw_http
from tests.support.slow_clients import HALF_HEAD, WHOLE, connect

# Each deadline of the services here; and how much later the last of it may come.
DEADLINE, LATE = 1.0, 1.5
DEADLINES = ("HEAD_TIMEOUT", "BODY_TIMEOUT", "IDLE_TIMEOUT", "ANSWER_TIMEOUT")
RATE = 1024
EVENT = raw_http.event("half", b"x" * 100_000)
USER = (
    b"POST /v1/user HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"name":'
)
PAGE = b"GET /v1/events?limit=1000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

Services = Mapping[str, processes.Service]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Both, with short deadlines."""
    audits: dict[str, Any] = {f"AUDIT_SERVICE_{name}": DEADLINE for name in DEADLINES}
    users: dict[str, Any] = {f"USER_SERVICE_{name}": DEADLINE for name in DEADLINES}
    audit = processes.audit_service(tmp_path_factory.mktemp("audit"), **audits)
    user = processes.user_service(tmp_path_factory.mktemp("users"), audit.url, **users)
    with audit, user:
        yield {"audit": audit, "users": user}


@pytest.fixture
def audit(services: Services) -> processes.Service:
    return services["audit"]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Service]:
    """An audit service that gives a body time, unless it is too slow."""
    with processes.audit_service(
        tmp_path_factory.mktemp("patient"),
        AUDIT_SERVICE_BODY_TIMEOUT=60,
        AUDIT_SERVICE_BODY_RATE=RATE,
    ) as service:
        yield service


def is_readable(connection: socket.socket, seconds: float) -> bool:
    """Whether something comes, or the end of all, within so many seconds."""
    return bool(select.select([connection], [], [], seconds)[0])


def rest_in_time(connection: socket.socket, began: float) -> bytes:
    """All that comes until the server closes, which MUST be at the deadline."""
    received = raw_http.rest(connection)
    assert DEADLINE - 0.1 < time.monotonic() - began < DEADLINE + LATE
    return received


def assert_is_408(answer: bytes) -> None:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 408 ")
    assert b"\r\ncontent-type: application/problem+json" in head
    assert b"\r\nconnection: close" in head
    assert b'"status":408' in answer.replace(b" ", b"")


def ids(audit: processes.Service) -> set[str]:
    return {record["event"]["id"] for record in processes.stored_events(audit.url)}


HALVES = {
    "audit": {"a line": b"POST / HT", "a head": HALF_HEAD, "no body": EVENT[:-100_000]},
    "users": {"a line": b"POST / HT", "a head": HALF_HEAD, "a body": USER},
}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        pytest.param(name, sent, id=f"{name}, {half}")
        for name, halves in HALVES.items()
        for half, sent in halves.items()
    ],
)
def test_half_a_request_and_silence_is_408(services: Services, name: str, sent: bytes) -> None:
    with connect(services[name].url) as connection:
        began = time.monotonic()
        connection.sendall(sent)
        assert_is_408(rest_in_time(connection, began))


def test_half_a_head_on_a_kept_connection_is_408(audit: processes.Service) -> None:
    with connect(audit.url) as connection:
        connection.sendall(WHOLE)
        assert raw_http.next_answer(connection).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        connection.sendall(HALF_HEAD)
        assert_is_408(rest_in_time(connection, began))


def test_a_head_that_dribbles_does_not_put_its_deadline_off(audit: processes.Service) -> None:
    with connect(audit.url) as connection:
        began = time.monotonic()
        connection.sendall(HALF_HEAD)
        while not is_readable(connection, 0.1):
            connection.sendall(b"x")
        assert_is_408(rest_in_time(connection, began))


def test_a_body_that_comes_steadily_has_its_deadline_too(audit: processes.Service) -> None:
    with connect(audit.url) as connection:
        began = time.monotonic()
        connection.sendall(EVENT[:-90_000])
        while not is_readable(connection, 0.1):
            connection.sendall(b"x" * 1000)
        assert_is_408(rest_in_time(connection, began))
    assert "half" not in ids(audit)


@pytest.mark.slow
def test_a_body_under_the_floor_is_408_and_one_above_it_is_stored(
    patient: processes.Service,
) -> None:
    parts, part = 160, 3 * RATE // 10
    request = raw_http.event("above", b"x" * parts * part)
    with connect(patient.url) as under, connect(patient.url) as above:
        under.sendall(EVENT[:-100_000])
        above.sendall(request[: -parts * part])
        is_late = False
        for _ in range(parts):
            above.sendall(b"x" * part)
            is_late = is_late or is_readable(under, 0)
            if not is_late:
                under.sendall(b"x")
            time.sleep(0.1)
        assert is_late
        assert_is_408(raw_http.rest(under))
        assert raw_http.next_answer(above).startswith(b"HTTP/1.1 204 ")
    assert ids(patient) == {"above"}


@pytest.mark.parametrize("sent", [b"", WHOLE], ids=["new", "kept"])
@pytest.mark.parametrize("name", ["audit", "users"])
def test_an_idle_connection_is_closed_at_its_deadline(
    services: Services, name: str, sent: bytes
) -> None:
    with connect(services[name].url) as connection:
        connection.sendall(sent)
        assert not sent or raw_http.next_answer(connection).startswith(b"HTTP/1.1 200 ")
        assert rest_in_time(connection, time.monotonic()) == b""


def test_a_request_puts_the_deadline_of_an_idle_connection_off(audit: processes.Service) -> None:
    with connect(audit.url) as connection:
        for _ in range(4):
            connection.sendall(WHOLE)
            assert raw_http.next_answer(connection).startswith(b"HTTP/1.1 200 ")
            assert not is_readable(connection, DEADLINE / 2)


@pytest.fixture(scope="module")
def _large_page(services: Services) -> None:
    for event_id in range(8):
        headers = {"ce-id": f"large {event_id}", "ce-source": "/", "ce-type": "t"}
        headers |= {"ce-specversion": "1.0", "Content-Type": "text/plain"}
        data = b"x" * 1_000_000
        answer = requests.post(services["audit"].url, data=data, headers=headers, timeout=20)
        assert answer.status_code == 204


@pytest.mark.usefixtures("_large_page")
def test_a_page_that_nobody_reads_is_broken_off(audit: processes.Service) -> None:
    with connect(audit.url) as connection:
        connection.sendall(PAGE)
        assert is_readable(connection, 10)
        began = time.monotonic()
        broken = select.poll()
        # Of a reset alone: the answer lies there to be read all the time.
        broken.register(connection, 0)
        assert broken.poll((DEADLINE + LATE) * 1000)
        assert time.monotonic() - began > DEADLINE - 0.1


@pytest.mark.usefixtures("_large_page")
def test_a_page_that_is_read_in_parts_comes_whole(audit: processes.Service) -> None:
    with socket.create_connection(("127.0.0.1", audit.port), 20) as connection:
        connection.sendall(PAGE)
        began, page = time.monotonic(), b""
        while part := connection.recv(1_000_000, socket.MSG_WAITALL):
            page += part
            time.sleep(DEADLINE / 5)
        assert time.monotonic() - began > DEADLINE
    head, _, body = page.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head.lower() + b"\r\n"
