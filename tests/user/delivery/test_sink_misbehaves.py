"""A sink that misbehaves: an answer in time, nothing stored, one line that says why."""

import threading
import time
from pathlib import Path

import pytest

from tests.support.sink_server import (
    Behaviour,
    Peer,
    answering,
    closed_port,
    dribbling,
    flooding,
    hanging,
    open_sink,
    sending,
)
from tests.support.sink_server import closing as closing_sink
from tests.support.user_delivery import OK, assert_not_done, attempt, create, users
from tests.user.conftest import SHORT_DEADLINE, MakeApp


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: what a sink does is the same to any database."""
    return f"sqlite:///{database_file}"


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
def test_an_unusable_response_is_unknown_and_nothing_is_stored(
    make_app: MakeApp, database_file: Path, behave: Behaviour, reason: str
) -> None:
    with open_sink(behave) as sink:
        result = attempt(make_app(sink=sink.url, delivery_timeout=SHORT_DEADLINE))
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
        result = attempt(make_app(sink=sink.url, delivery_timeout=2.5))
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
        result = attempt(make_app(sink=sink.url, delivery_timeout=SHORT_DEADLINE))
        late.set()
        assert_not_done(result, "unknown", database_file)
    assert users(database_file) == 0


def test_a_sink_that_refuses_connections_is_not_delivered_to(
    make_app: MakeApp, database_file: Path
) -> None:
    with closed_port() as port:
        result = attempt(make_app(sink=f"http://127.0.0.1:{port}/"))
    assert "Connection refused" in assert_not_done(result, "not-delivered", database_file)


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 407, 409, 410, 413, 415, 422, 425, 429]
)
@pytest.mark.parametrize("headers", [[], ["Retry-After: 1"]], ids=["", "retry-after"])
def test_a_refusal_is_not_delivered_and_not_repeated(
    make_app: MakeApp, database_file: Path, status: int, headers: list[str]
) -> None:
    with open_sink(answering(status, headers, b"no")) as sink:
        result = attempt(make_app(sink=sink.url))
        assert f"answered {status}" in assert_not_done(result, "not-delivered", database_file)
        assert [r.headers["ce-id"] for r in sink.received] == [result.lines[0]["event_id"]]


@pytest.mark.parametrize("status", [408, 500, 501, 502, 503, 504, 599, 999])
@pytest.mark.parametrize("headers", [[], ["Retry-After: 1"]], ids=["", "retry-after"])
def test_a_fault_of_the_sink_is_unknown_and_not_repeated(
    make_app: MakeApp, database_file: Path, status: int, headers: list[str]
) -> None:
    with open_sink(answering(status, headers, b"no")) as sink:
        result = attempt(make_app(sink=sink.url))
        assert f"answered {status}" in assert_not_done(result, "unknown", database_file)
        assert len(sink.received) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(make_app: MakeApp, database_file: Path, status: int) -> None:
    with open_sink(answering()) as elsewhere:
        redirect = answering(status, [f"Location: {elsewhere.url}", "Set-Cookie: a=b"])
        with open_sink(redirect) as sink:
            result = attempt(make_app(sink=sink.url))
        assert f"answered {status}" in assert_not_done(result, "not-delivered", database_file)
        assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["", "http://[", "http://\xff", "//", "x" * 60_000])
def test_a_redirect_to_nowhere_is_a_refusal_like_any(
    make_app: MakeApp, database_file: Path, location: str
) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with open_sink(sending(head.encode("latin-1"))) as sink:
        result = attempt(make_app(sink=sink.url))
    assert_not_done(result, "not-delivered", database_file)


def test_the_body_of_a_redirect_is_not_read_to_its_end(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(flooding(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")) as sink:
        result = attempt(make_app(sink=sink.url, delivery_timeout=2.5))
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
        result = attempt(make_app(sink=sink.url, delivery_timeout=SHORT_DEADLINE))
        assert_not_done(result, "unknown", database_file)


@pytest.mark.parametrize("interim", [b"102 Processing", b"103 Early Hints", b"100 Continue"])
@pytest.mark.parametrize("times", [1, 3])
def test_interim_answers_are_skipped(make_app: MakeApp, interim: bytes, times: int) -> None:
    before = b"HTTP/1.1 %b\r\nLink: </x>\r\n\r\n" % interim
    with open_sink(sending(before * times + OK + b"Content-Length: 0\r\n\r\n")) as sink:
        app = make_app(sink=sink.url)
        assert [create(app).status_code for _ in range(2)] == [201, 201]


def test_interim_answers_without_end_do_not_outlast_the_deadline(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(flooding(b"HTTP/1.1 103 Early Hints\r\n\r\n")) as sink:
        assert_not_done(
            attempt(make_app(sink=sink.url, delivery_timeout=SHORT_DEADLINE)),
            "unknown",
            database_file,
        )
