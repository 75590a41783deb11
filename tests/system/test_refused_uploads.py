"""Answers to requests that are refused before their body was read, on real servers."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.support import processes

LENGTH = 5 * 1024 * 1024
PART = b"x" * 65_536

LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"

Services = Mapping[str, processes.Service]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with (
        processes.audit_service(tmp_path_factory.mktemp("audit")) as audit,
        processes.user_service(tmp_path_factory.mktemp("users"), audit.url) as users,
    ):
        yield {"audit": audit, "users": users}


def parts(*, chunked: bool) -> Iterator[bytes]:
    """A body of LENGTH."""
    for _ in range(LENGTH // len(PART)):
        yield b"%x\r\n%b\r\n" % (len(PART), PART) if chunked else PART
    if chunked:
        yield b"0\r\n\r\n"


def answer_to(service: processes.Service, head: str, *, chunked: bool) -> bytes:
    """The whole answer, as a client reads it that sends its body first, and all of it."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {LENGTH}"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(f"{head}\r\nHost: localhost\r\n{length}\r\n\r\n".encode())
        for part in parts(chunked=chunked):
            connection.sendall(part)
        return connection.makefile("rb").read()


REFUSED = {
    "too long an event": ("audit", "POST / HTTP/1.1\r\nContent-Type: a/b", 413),
    "a coding of an event": ("audit", "POST / HTTP/1.1\r\nContent-Encoding: gzip", 415),
    "no such route of events": ("audit", "POST /nowhere HTTP/1.1", 404),
    "no such method of events": ("audit", "PUT /v1/events HTTP/1.1", 405),
    "a head that is none": ("audit", "POST / HTTP/1.1\r\nno header", 400),
    "a query with a body": ("audit", "GET /v1/events?limit=x HTTP/1.1", 422),
    "too long a user": ("users", "POST /v1/user HTTP/1.1\r\nContent-Type: application/json", 413),
    "another type of user": ("users", "POST /v1/user HTTP/1.1\r\nContent-Type: a/b", 415),
    "no such route of users": ("users", "POST /nowhere HTTP/1.1", 404),
    "no such method of users": ("users", "PUT /v1/user HTTP/1.1", 405),
    "a user with a header that is none": ("users", "POST / HTTP/1.1\r\nno header", 400),
}


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize("case", REFUSED)
def test_who_is_refused_reads_the_answer_whatever_they_send(
    services: Services, case: str, *, chunked: bool
) -> None:
    name, head, status = REFUSED[case]
    answer = answer_to(services[name], head, chunked=chunked)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    head_of_it, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}" in head_of_it.decode().lower()


@pytest.mark.parametrize("name", ["audit", "users"])
def test_clients_that_never_close_hold_up_no_other(services: Services, name: str) -> None:
    port = services[name].port
    with ExitStack() as held:
        for _ in range(40):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            connection.sendall(LIVE + b"Connection: close\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"
        began = time.monotonic()
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", port), 20) as other:
                other.sendall(LIVE + b"\r\n")
                assert other.recv(12) == b"HTTP/1.1 200"
        assert time.monotonic() - began < 2
