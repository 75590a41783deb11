"""Whatever the sink does: an answer in time, nothing stored, one line that says why."""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.support.sink_server import (
    Behaviour,
    Peer,
    Sink,
    answering,
    closed_port,
    deaf_port,
    dribbling,
    flooding,
    hanging,
    open_sink,
    sending,
)
from tests.support.sink_server import closing as closing_sink
from tests.user.conftest import MakeApp
from user_service.delivery.deadline import Delivery
from user_service.sinks.cloudevents import describe
from user_service.sinks.http import HttpSink
from user_service.sinks.sink import Attempt, NotDelivered, Outcome
from user_service.store import database
from user_service.users.domain import ChangeKind, User, UserChange, now

PROBLEM = "application/problem+json"
OK = b"HTTP/1.1 200 OK\r\n"
LIMIT_SECONDS = 3.0


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: what a sink does is the same to any database."""
    return f"sqlite:///{database_file}"


@dataclass(frozen=True)
class Told:
    """What became of a request: its answer, the lines it left, and how long it took."""

    answer: TestResponse
    lines: list[Any]
    seconds: float


def create(app: Flask) -> TestResponse:
    return app.test_client().post("/v1/user", json={"name": "Ozzy", "password": "12345"})


def told(app: Flask) -> Told:
    began = time.monotonic()
    with capture_logs() as logged:
        answer = create(app)
    seconds = time.monotonic() - began
    return Told(answer, [line for line in logged if line["log_level"] == "error"], seconds)


def users(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        count: int = connection.execute("SELECT count(*) FROM users").fetchone()[0]
        return count


def assert_not_done(told: Told, outcome: str, file: Path) -> str:
    """Why it was not done, as the log has it."""
    assert told.seconds < LIMIT_SECONDS
    assert told.answer.status_code == 500, told.answer.text
    assert told.answer.content_type == PROBLEM
    assert told.answer.get_json()["outcome"] == outcome
    assert users(file) == 0
    (line,) = told.lines
    assert line["outcome"] == outcome
    assert line["event_id"]
    reason: str = line["reason"]
    return reason


# One by one


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        pytest.param(hanging(), "did not acknowledge in time", id="never answers"),
        pytest.param(hanging(OK), "did not acknowledge in time", id="stops within its head"),
        pytest.param(
            dribbling(b"HTTP/1.1 204 No Content\r\nX: "), "did not acknowledge", id="dribbles"
        ),
        pytest.param(dribbling(b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"), "", id="dribbles 204"),
        pytest.param(sending(b"\x00\xffgarbage\r\n\r\n"), "", id="answers garbage"),
        pytest.param(sending(b"HTTP/1.1 two-hundred OK\r\n\r\n"), "", id="answers no number"),
        pytest.param(sending(b"SSH-2.0-OpenSSH_9.2\r\n"), "", id="speaks another protocol"),
        pytest.param(sending(OK + b"X: y\r\n" * 200 + b"\r\n"), "", id="sends many headers"),
        pytest.param(flooding(OK + b"X: "), "", id="sends a header without end"),
        pytest.param(sending(), "", id="closes without an answer"),
        pytest.param(closing_sink, "", id="closes at once"),
        pytest.param(hanging(OK + b"X: y"), "did not acknowledge", id="stops within a header"),
        pytest.param(
            sending(b"HTTP/1.1 103 Early Hints\r\n\r\n"), "", id="only announces an answer"
        ),
        pytest.param(
            flooding(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 "), "", id="continues without end"
        ),
        pytest.param(
            flooding(b"HTTP/1.1 500 X\r\n\r\n"), "answered 500", id="refuses without an end"
        ),
    ],
)
def test_no_answer_that_tells_is_unknown_and_nothing_is_stored(
    make_app: MakeApp, database_file: Path, behave: Behaviour, reason: str
) -> None:
    with open_sink(behave) as sink:
        result = told(make_app(sink=sink.url))
        said = assert_not_done(result, "unknown", database_file)
        assert reason in said
        assert {r.headers["ce-id"] for r in sink.received} <= {result.lines[0]["event_id"]}


def test_an_answer_that_comes_a_byte_at_a_time_within_the_deadline_counts(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(dribbling(b"HTTP/1.1 204 Y\r\n\r\n", pause=0.001)) as sink:
        assert create(make_app(sink=sink.url, delivery_timeout=5)).status_code == 201
    assert users(database_file) == 1


def test_a_hanging_sink_is_answered_within_three_seconds_by_the_default_deadline(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(hanging()) as sink:
        result = told(make_app(sink=sink.url, delivery_timeout=2.5))
    assert_not_done(result, "unknown", database_file)
    assert result.seconds > 2


def test_an_acknowledgement_after_the_deadline_is_none(
    make_app: MakeApp, database_file: Path
) -> None:
    late = threading.Event()

    def behave(peer: Peer) -> bool:
        if peer.read() and late.wait(10):
            peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        return False

    with open_sink(behave) as sink:
        result = told(make_app(sink=sink.url))
        late.set()
        assert_not_done(result, "unknown", database_file)
    assert users(database_file) == 0


def test_a_sink_that_refuses_connections_has_nothing(
    make_app: MakeApp, database_file: Path
) -> None:
    with closed_port() as port:
        result = told(make_app(sink=f"http://127.0.0.1:{port}/"))
    assert "Connection refused" in assert_not_done(result, "not-delivered", database_file)


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 407, 409, 410, 413, 415, 422, 425, 429]
)
@pytest.mark.parametrize("headers", [[], ["Retry-After: 1"]], ids=["", "retry-after"])
def test_a_refusal_is_not_delivered_and_not_repeated(
    make_app: MakeApp, database_file: Path, status: int, headers: list[str]
) -> None:
    with open_sink(answering(status, headers, b"no")) as sink:
        result = told(make_app(sink=sink.url))
        assert f"answered {status}" in assert_not_done(result, "not-delivered", database_file)
        assert [r.headers["ce-id"] for r in sink.received] == [result.lines[0]["event_id"]]


@pytest.mark.parametrize("status", [408, 500, 501, 502, 503, 504, 599, 999])
@pytest.mark.parametrize("headers", [[], ["Retry-After: 1"]], ids=["", "retry-after"])
def test_a_fault_of_the_sink_is_unknown_and_not_repeated(
    make_app: MakeApp, database_file: Path, status: int, headers: list[str]
) -> None:
    with open_sink(answering(status, headers, b"no")) as sink:
        result = told(make_app(sink=sink.url))
        assert f"answered {status}" in assert_not_done(result, "unknown", database_file)
        assert len(sink.received) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(make_app: MakeApp, database_file: Path, status: int) -> None:
    with open_sink(answering()) as elsewhere:
        redirect = answering(status, [f"Location: {elsewhere.url}", "Set-Cookie: a=b"])
        with open_sink(redirect) as sink:
            result = told(make_app(sink=sink.url))
        assert f"answered {status}" in assert_not_done(result, "not-delivered", database_file)
        assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["", "http://[", "http://\xff", "//", "x" * 60_000])
def test_a_redirect_to_nowhere_is_a_refusal_like_any(
    make_app: MakeApp, database_file: Path, location: str
) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with open_sink(sending(head.encode("latin-1"))) as sink:
        result = told(make_app(sink=sink.url))
    assert_not_done(result, "not-delivered", database_file)


def test_the_body_of_a_redirect_is_not_read_to_its_end(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(flooding(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")) as sink:
        result = told(make_app(sink=sink.url, delivery_timeout=2.5))
    assert "answered 302" in assert_not_done(result, "not-delivered", database_file)
    assert result.seconds < 2


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        OK + b"\r\n",
        OK + b"Content-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        OK + b"Content-Encoding: gzip\r\n\r\n",
    ],
)
def test_a_body_without_end_does_not_take_the_acknowledgement_back(
    make_app: MakeApp, database_file: Path, head: bytes
) -> None:
    with open_sink(flooding(head)) as sink:
        app = make_app(sink=sink.url, delivery_timeout=2.5)
        began = time.monotonic()
        assert create(app).status_code == 201
        assert time.monotonic() - began < 2
    assert users(database_file) == 1


def test_a_dribbling_body_of_an_acknowledgement_does_not_outlast_the_deadline(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(dribbling(OK + b"\r\n" + b"x")) as sink:
        result = told(make_app(sink=sink.url))
        assert_not_done(result, "unknown", database_file)


# Addresses and names

LookUp = Callable[..., list[Any]]


def _resolving(monkeypatch: pytest.MonkeyPatch, look_up: LookUp) -> None:
    """Look `sink.test` up so, and any other name as ever."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        return look_up(port) if host == "sink.test" else real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def _addresses(*hosts: str) -> LookUp:
    return lambda port: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts
    ]


@contextmanager
def _hanging_look_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A look-up that hangs until the event is set, and then finds."""
    go = threading.Event()

    def look_up(port: int) -> list[Any]:
        assert go.wait(10)
        return _addresses("127.0.0.1")(port)

    _resolving(monkeypatch, look_up)
    try:
        yield go
    finally:
        go.set()


def test_a_name_that_is_not_found_is_not_delivered(make_app: MakeApp, database_file: Path) -> None:
    result = told(make_app(sink="http://nowhere.invalid/"))
    assert_not_done(result, "not-delivered", database_file)


def test_a_look_up_that_hangs_is_not_delivered(
    make_app: MakeApp, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _hanging_look_up(monkeypatch):
        result = told(make_app(sink="http://sink.test/"))
        assert_not_done(result, "not-delivered", database_file)


def test_several_addresses_none_of_which_answers_share_one_deadline(
    make_app: MakeApp, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, _addresses(*(f"127.0.0.{n}" for n in range(1, 9))))
    with deaf_port() as port:
        result = told(make_app(sink=f"http://sink.test:{port}/"))
        assert_not_done(result, "not-delivered", database_file)
    assert 0.4 < result.seconds < 1.5


def test_the_second_address_is_used_when_the_first_refuses(
    make_app: MakeApp, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, _addresses("127.0.0.2", "127.0.0.1"))
    assert create(make_app(sink=f"http://sink.test:{sink.port}/")).status_code == 201


def test_no_event_leaves_after_it_was_said_not_to_be_delivered(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _hanging_look_up(monkeypatch) as go:
        # One thread: the second event is sent once the first attempt is over and done with.
        delivery = Delivery(HttpSink(f"http://sink.test:{sink.port}/"), threads=1)
        with pytest.raises(NotDelivered) as caught:
            delivery.deliver(_event(), time.monotonic() + 0.1)
        assert caught.value.outcome is Outcome.NOT_DELIVERED
        go.set()
        second = _event()
        delivery.deliver(second, time.monotonic() + 5)
    assert [r.headers["ce-id"] for r in sink.received] == [second.get_id()]


def test_an_event_without_an_answer_is_not_sent_once_more_at_its_deadline() -> None:
    # Nobody waits beside it: the socket's own time-out comes first.
    with open_sink(hanging()) as sink:
        with pytest.raises(NotDelivered) as caught:
            HttpSink(sink.url).send(_event(), Attempt(time.monotonic() + 0.2))
        assert caught.value.outcome is Outcome.UNKNOWN
        # A second sending would have come by now: a later connection is served.
        with pytest.raises(NotDelivered):
            HttpSink(sink.url).send(_event(), Attempt(time.monotonic() + 0.2))
        sink.wait_for(2)
        assert len(sink.received) == 2
        assert len({request.headers["ce-id"] for request in sink.received}) == 2


def _event() -> Any:
    user = User("u", "Ozzy", 1, now(), now())
    return describe(UserChange(ChangeKind.CREATED, user, user.created_at), "/source")


# While many wait


@contextmanager
def _requests_that_hang(app: Flask, sink: Sink, number: int) -> Iterator[list[TestResponse]]:
    """Fills in the answers on leaving."""
    answers: list[TestResponse] = []
    before = len(sink.received)
    with ThreadPoolExecutor(number) as clients:
        pending = [clients.submit(create, app) for _ in range(number)]
        sink.wait_for(before + number)
        yield answers
        answers.extend(future.result() for future in pending)


def _at_once(call: Callable[[], TestResponse]) -> TestResponse:
    began = time.monotonic()
    answer = call()
    assert time.monotonic() - began < 1
    return answer


def test_reads_and_health_answer_at_once_while_all_that_may_wait_do(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(hanging()) as sink:
        app = make_app(sink=sink.url, threads=16, delivery_timeout=2.5)
        client = app.test_client()
        with _requests_that_hang(app, sink, 12) as answers:
            assert _at_once(lambda: client.get("/v1/user/x")).status_code == 404
            assert _at_once(lambda: client.get("/livez")).status_code == 200
            assert _at_once(lambda: client.get("/readyz")).status_code == 200
            thirteenth = _at_once(lambda: create(app))
            assert thirteenth.status_code == 503
            assert thirteenth.content_type == PROBLEM
            assert int(thirteenth.headers["Retry-After"]) >= 1
            assert not answers
        assert {answer.status_code for answer in answers} == {500}
        assert {answer.get_json()["outcome"] for answer in answers} == {"unknown"}
        assert len(sink.received) == 12
    assert users(database_file) == 0


def test_a_place_is_free_again_once_its_request_was_answered(make_app: MakeApp) -> None:
    with open_sink(hanging()) as sink:
        app = make_app(sink=sink.url, threads=4)
        for _ in range(2):
            with _requests_that_hang(app, sink, 3):
                assert create(app).status_code == 503


def test_the_sink_is_reported_and_is_no_reason_to_be_unready(make_app: MakeApp) -> None:
    with closed_port() as port:
        app = make_app(sink=f"http://me:secret@127.0.0.1:{port}/")
        create(app)
        ready = app.test_client().get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["sink"]["url"] == f"http://127.0.0.1:{port}"
    assert ready.get_json()["sink"]["last_delivery"]["outcome"] == "not-delivered"


def test_a_service_without_its_database_is_unready_and_says_so(
    make_app: MakeApp, sink: Sink, database_file: Path
) -> None:
    app = make_app(sink=sink.url)
    with closing(sqlite3.connect(database_file)) as connection:
        connection.execute("DROP TABLE users")
    with capture_logs():
        ready = app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert ready.get_json()["checks"] == {"database": "failing"}


# Connections that are kept


def test_a_connection_is_used_again(make_app: MakeApp, sink: Sink) -> None:
    app = make_app(sink=sink.url)
    for _ in range(20):
        assert create(app).status_code == 201
    # A thread that delivers has one of its own.
    assert sink.connections <= 12
    assert len(sink.received) == 20


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(answering(), id="204"),
        pytest.param(answering(200, body=b"thank you"), id="with a length"),
        pytest.param(answering(200, body=b"x" * 60_000), id="with a long body"),
        pytest.param(answering(500, body=b"no"), id="500"),
        pytest.param(answering(302, ["Location: /x"], b"there"), id="302"),
    ],
)
def test_a_connection_is_used_again_after_any_answer_that_is_whole(behave: Behaviour) -> None:
    with open_sink(behave) as sink:
        delivery = Delivery(HttpSink(sink.url), threads=1)
        for _ in range(3):
            try:
                delivery.deliver(_event(), time.monotonic() + 5)
            except NotDelivered as error:
                assert "answered" in error.reason  # noqa: PT017 - some are to be refused
        assert (sink.connections, len(sink.received)) == (1, 3)


def test_a_kept_connection_that_the_sink_has_closed_fails_no_request(sink: Sink) -> None:
    delivery = Delivery(HttpSink(sink.url), threads=1)
    for _ in range(3):
        delivery.deliver(_event(), time.monotonic() + 5)
        sink.drop_connections()
    assert (sink.connections, len(sink.received)) == (3, 3)


def test_a_kept_connection_that_is_closed_just_as_it_is_used_fails_no_request() -> None:
    answer = answering()
    closed_on: set[int] = set()

    def behave(peer: Peer) -> bool:
        """Answers once on a connection, and closes it on the second request, unanswered."""
        if id(peer) in closed_on:
            peer.read()
            return False
        closed_on.add(id(peer))
        return answer(peer)

    with open_sink(behave) as sink:
        delivery = Delivery(HttpSink(sink.url), threads=1)
        events = [_event(), _event()]
        for event in events:
            delivery.deliver(event, time.monotonic() + 5)
        first, second = (event.get_id() for event in events)
        assert [r.headers["ce-id"] for r in sink.received] == [first, second, second]


def test_a_sinks_cookie_is_not_sent_back() -> None:
    with open_sink(answering(204, ["Set-Cookie: a=b; Path=/"])) as sink:
        delivery = Delivery(HttpSink(sink.url), threads=1)
        for _ in range(2):
            delivery.deliver(_event(), time.monotonic() + 5)
        assert all("cookie" not in r.headers for r in sink.received)


def test_the_credentials_of_a_sink_are_in_no_line_and_no_reply(make_app: MakeApp) -> None:
    with closed_port() as port:
        result = told(make_app(sink=f"http://me:s3cret-word@127.0.0.1:{port}/in"))
    assert "s3cret-word" not in repr((result.lines, result.answer.data))


def test_a_change_that_cannot_be_stored_after_its_event_was_acknowledged_says_so(
    make_app: MakeApp, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with closing(
        sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)
    ) as other:

        def lock_and_acknowledge(peer: Peer) -> bool:
            if not peer.read():
                return False
            other.execute("BEGIN IMMEDIATE")
            peer.send(b"HTTP/1.1 204 Told\r\n\r\n")
            return True

        with open_sink(lock_and_acknowledge) as sink:
            answer = told(make_app(sink=sink.url)).answer
        other.execute("ROLLBACK")
    assert (answer.status_code, answer.mimetype) == (500, PROBLEM)
    assert answer.json is not None
    assert answer.json["outcome"] == "unknown"
    assert "the event was acknowledged, but the change could not be stored" in answer.json["detail"]
    assert users(database_file) == 0
