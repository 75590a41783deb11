"""Bodies that are cut short or malformed, heads that are bulky or misdirected, on real servers."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support import processes, raw_http

HEAD = (
    "POST / HTTP/1.1\r\nHost: localhost\r\nce-id: 1\r\nce-source: /x\r\nce-type: t\r\n"
    "ce-specversion: 1.0\r\nContent-Type: text/plain\r\nConnection: close\r\n"
)
REQUIRED = {"ce-source": "/x", "ce-type": "t", "ce-specversion": "1.0"}


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Service]:
    folder: Path = tmp_path_factory.mktemp("audit")
    with processes.audit_service(folder, AUDIT_SERVICE_MAX_EVENT_BYTES=70_000) as service:
        yield service


@pytest.fixture(scope="module")
def users(
    tmp_path_factory: pytest.TempPathFactory, audit: processes.Service
) -> Iterator[processes.Service]:
    with processes.user_service(tmp_path_factory.mktemp("users"), audit.url) as service:
        yield service


def answer_to(service: processes.Service, request: bytes) -> str:
    """The status line of the answer to raw bytes, after which no more come."""
    return raw_http.status_line(service.url, request)


def ids(audit: processes.Service) -> set[str]:
    return {record["event"]["id"] for record in processes.stored_events(audit.url)}


def test_a_body_cut_short_of_its_content_length_is_refused(audit: processes.Service) -> None:
    request = HEAD.replace("ce-id: 1", "ce-id: short") + "Content-Length: 100\r\n\r\nonly this"
    assert " 400 " in answer_to(audit, request.encode())
    assert "short" not in ids(audit)


def test_a_chunked_body_over_the_limit_is_refused_and_not_cut(audit: processes.Service) -> None:
    chunk = "8000\r\n" + "x" * 0x8000 + "\r\n"
    request = HEAD.replace("ce-id: 1", "ce-id: chunked-over")
    request += "Transfer-Encoding: chunked\r\n\r\n" + chunk * 3 + "0\r\n\r\n"
    assert " 413 " in answer_to(audit, request.encode())
    assert "chunked-over" not in ids(audit)


def test_a_chunked_body_that_breaks_off_is_refused(audit: processes.Service) -> None:
    request = HEAD.replace("ce-id: 1", "ce-id: broken-off")
    request += "Transfer-Encoding: chunked\r\n\r\n8000\r\nonly this"
    assert " 400 " in answer_to(audit, request.encode())
    assert "broken-off" not in ids(audit)


CHUNKED = {
    "a size that is no number": b"xyz\r\nhello\r\n0\r\n\r\n",
    "a size that is negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size with a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
    "no line end after a chunk": b"5\r\nhello0\r\n\r\n",
    "an extension that is none": b"5;=\r\nhello\r\n0\r\n\r\n",
    "a trailer that is no header": b"5\r\nhello\r\n0\r\nno header\r\n\r\n",
    "a trailer with a name that is none": b"5\r\nhello\r\n0\r\na b: c\r\n\r\n",
    "a trailer that may not be one": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("body", CHUNKED.values(), ids=CHUNKED)
def test_a_malformed_chunked_body_is_400_on_both_services(
    audit: processes.Service, users: processes.Service, body: bytes
) -> None:
    event = HEAD.replace("ce-id: 1", "ce-id: malformed") + "Transfer-Encoding: chunked\r\n\r\n"
    user = (
        "POST /v1/user HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert " 400 " in answer_to(audit, event.encode() + body)
    assert " 400 " in answer_to(users, user.encode() + body)
    assert "malformed" not in ids(audit)


def test_a_chunked_body_is_as_good_as_any(audit: processes.Service) -> None:
    request = HEAD.replace("ce-id: 1", "ce-id: chunked")
    request += "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert " 204 " in answer_to(audit, request.encode())
    assert "chunked" in ids(audit)


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param({"large": "x" * 65_536}, id="one-large-attribute"),
        pytest.param({f"a{n}": "x" * 56 for n in range(1000)}, id="a-thousand-attributes"),
        pytest.param({f"a{n}": "" for n in range(8000)}, id="eight-thousand-empty-attributes"),
    ],
)
def test_an_event_of_64_kib_passes_whatever_of_it_is_in_headers(
    audit: processes.Service, extensions: dict[str, str]
) -> None:
    event_id = processes.fresh_id()
    lines = [f"ce-{name}: {value}\r\n" for name, value in extensions.items()]
    head = HEAD.replace("ce-id: 1", f"ce-id: {event_id}") + "".join(lines)
    assert " 204 " in answer_to(audit, f"{head}Content-Length: 0\r\n\r\n".encode())
    record = requests.get(f"{audit.url}/v1/events?limit=1", timeout=10).json()["items"][0]
    assert {name: record["event"][name] for name in extensions} == extensions


def test_a_head_without_an_end_is_refused_before_it_fills_memory(audit: processes.Service) -> None:
    with socket.create_connection(("127.0.0.1", audit.port), timeout=20) as connection:
        try:
            for _ in range(64):
                connection.sendall(b"a: " + b"x" * 65_000 + b"\r\n" if _ else HEAD.encode())
        except OSError:
            return
        assert connection.recv(4096).startswith((b"HTTP/1.1 4", b""))


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate, chunked", "identity, chunked"])
def test_a_transfer_coding_that_is_not_read_is_501_and_nothing_is_stored(
    audit: processes.Service, users: processes.Service, coding: str
) -> None:
    head = HEAD.replace("ce-id: 1", "ce-id: coded") + f"Transfer-Encoding: {coding}\r\n\r\n"
    body = b"5\r\nhello\r\n0\r\n\r\n"
    assert " 501 " in answer_to(audit, head.encode() + body)
    assert " 501 " in answer_to(users, head.encode() + body)
    assert "coded" not in ids(audit)


def test_http_1_1_without_a_host_is_400(audit: processes.Service, users: processes.Service) -> None:
    for service in (audit, users):
        assert " 400 " in answer_to(service, b"GET /livez HTTP/1.1\r\n\r\n")
        assert " 200 " in answer_to(service, b"GET /livez HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize("name", ["event_id", "event-id"])
def test_a_ce_header_whose_name_is_none_is_400_and_named(
    audit: processes.Service, name: str
) -> None:
    headers = {**REQUIRED, "ce-id": "named", f"ce-{name}": "x"}
    answer = requests.post(audit.url, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["attribute"]) == (400, "event-id")
    assert "named" not in ids(audit)


def test_another_header_with_an_underscore_is_dropped(audit: processes.Service) -> None:
    answer = requests.get(f"{audit.url}/livez", headers={"X_Request_ID": "mine"}, timeout=10)
    assert answer.headers["X-Request-ID"] != "mine"


def test_a_ce_header_that_comes_twice_is_400(audit: processes.Service) -> None:
    head = HEAD.replace("ce-id: 1", "ce-id: twice\r\nce-id: twice") + "Content-Length: 0\r\n\r\n"
    assert " 400 " in answer_to(audit, head.encode())
    assert not any("twice" in event_id for event_id in ids(audit))


def test_two_idempotency_keys_are_400(users: processes.Service) -> None:
    body = b'{"name": "Ozzy", "password": "12345"}'
    head = (
        "POST /v1/user HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n"
    )
    two = "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n"
    assert " 400 " in answer_to(users, (head + two).encode() + body)
    assert " 201 " in answer_to(users, (head + "Idempotency-Key: a,b\r\n\r\n").encode() + body)


@pytest.mark.parametrize(
    "header", ["SCRIPT_NAME: /v1", "PATH_INFO: /v1/events", "SCRIPT-NAME: /v1"]
)
def test_no_path_is_taken_from_a_header(audit: processes.Service, header: str) -> None:
    request = f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n"
    assert " 200 " in answer_to(audit, request.encode())
    request = f"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n"
    assert " 404 " in answer_to(audit, request.encode())


@pytest.mark.parametrize(
    "path", ["//v1//{}", "/v1//{}", "/v1/%2F{}", "/v1/{}//1", "//evil.test/{}"]
)
def test_a_doubled_slash_is_404_and_redirects_nowhere(
    audit: processes.Service, users: processes.Service, path: str
) -> None:
    for service, name in ((audit, "events"), (users, "user")):
        line = f"GET {path.format(name)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = raw_http.answer(service.url, line.encode())
        assert " 404 " in answer.partition("\r\n")[0]
        assert "location:" not in answer.lower()


def test_a_slash_at_the_end_redirects_nowhere(
    audit: processes.Service, users: processes.Service
) -> None:
    for url in (f"{audit.url}/v1/events/", f"{users.url}/v1/user/"):
        assert requests.get(url, timeout=10, allow_redirects=False).status_code == 200


def test_a_host_that_is_not_of_loopback_is_421_on_both_services(
    audit: processes.Service, users: processes.Service
) -> None:
    for url in (f"{audit.url}/v1/events", f"{users.url}/v1/user"):
        for host, refused in (("evil.test:80", True), ("localhost", False), ("[::1]:1", False)):
            answer = requests.get(url, headers={"Host": host}, timeout=10)
            assert (answer.status_code == 421) is refused
            if refused:
                assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["Host:", "Host: localhost\r\nHost: localhost", "Host: a b"])
def test_an_empty_host_a_malformed_one_and_two_are_400(
    audit: processes.Service, users: processes.Service, host: str
) -> None:
    for service in (audit, users):
        request = f"GET /livez HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n"
        assert " 400 " in answer_to(service, request.encode())
