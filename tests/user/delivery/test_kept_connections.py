"""Kept connections to a sink: used again, and no request fails by one that was closed."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sink_server import (
    Behaviour,
    Peer,
    Sink,
    answering,
    closed_port,
    open_sink,
)
from tests.support.user_delivery import PROBLEM, an_event, attempt, create, users
from tests.user.conftest import MakeApp
from user_service.delivery.deadline import Delivery
from user_service.sinks.http import HttpSink
from user_service.sinks.sink import NotDelivered


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: what a sink does is the same to any database."""
    return f"sqlite:///{database_file}"


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
                delivery.deliver(an_event(), time.monotonic() + 5)
            except NotDelivered as error:
                assert "answered" in error.reason  # noqa: PT017 - some are to be refused
        assert (sink.connections, len(sink.received)) == (1, 3)


def test_a_kept_connection_that_the_sink_has_closed_fails_no_request(sink: Sink) -> None:
    delivery = Delivery(HttpSink(sink.url), threads=1)
    for _ in range(3):
        delivery.deliver(an_event(), time.monotonic() + 5)
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
        events = [an_event(), an_event()]
        for event in events:
            delivery.deliver(event, time.monotonic() + 5)
        first, second = (event.get_id() for event in events)
        assert [r.headers["ce-id"] for r in sink.received] == [first, second, second]


def test_a_sinks_cookie_is_not_sent_back() -> None:
    with open_sink(answering(204, ["Set-Cookie: a=b; Path=/"])) as sink:
        delivery = Delivery(HttpSink(sink.url), threads=1)
        for _ in range(2):
            delivery.deliver(an_event(), time.monotonic() + 5)
        assert all("cookie" not in r.headers for r in sink.received)


def test_the_credentials_of_a_sink_are_in_no_line_and_no_reply(make_app: MakeApp) -> None:
    with closed_port() as port:
        result = attempt(make_app(sink=f"http://me:s3cret-word@127.0.0.1:{port}/in"))
    assert "s3cret-word" not in repr((result.lines, result.answer.data))


def test_a_change_that_cannot_be_stored_after_its_event_was_acknowledged_says_so(
    make_app: MakeApp, database_file: Path
) -> None:
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
            answer = attempt(make_app(sink=sink.url, lock_seconds=0.1)).answer
        other.execute("ROLLBACK")
    assert (answer.status_code, answer.mimetype) == (500, PROBLEM)
    assert answer.json is not None
    assert answer.json["outcome"] == "unknown"
    assert "the event was delivered, and the user may have been made" in answer.json["detail"]
    assert users(database_file) == 0
