"""Addresses and names of a sink: all of them share one deadline."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.sink_server import (
    Sink,
    deaf_port,
    hanging,
    open_sink,
)
from tests.support.user_delivery import (
    an_event,
    assert_not_done,
    attempt,
    create,
)
from tests.user.conftest import SHORT_DEADLINE, MakeApp
from user_service.delivery.deadline import Delivery
from user_service.sinks.http import HttpSink
from user_service.sinks.sink import Attempt, NotDelivered, Outcome


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: what a sink does is the same to any database."""
    return f"sqlite:///{database_file}"


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
    result = attempt(make_app(sink="http://nowhere.invalid/", delivery_timeout=SHORT_DEADLINE))
    assert_not_done(result, "not-delivered", database_file)


def test_a_look_up_that_hangs_is_not_delivered(
    make_app: MakeApp, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _hanging_look_up(monkeypatch):
        result = attempt(make_app(sink="http://sink.test/", delivery_timeout=SHORT_DEADLINE))
        assert_not_done(result, "not-delivered", database_file)


def test_several_addresses_none_of_which_answers_share_one_deadline(
    make_app: MakeApp, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, _addresses(*(f"127.0.0.{n}" for n in range(1, 9))))
    with deaf_port() as port:
        result = attempt(
            make_app(sink=f"http://sink.test:{port}/", delivery_timeout=SHORT_DEADLINE)
        )
        assert_not_done(result, "not-delivered", database_file)
    assert 0.4 < result.seconds < 1.5


def test_the_second_address_is_used_when_the_first_refuses(
    make_app: MakeApp, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, _addresses("127.0.0.2", "127.0.0.1"))
    assert create(make_app(sink=f"http://sink.test:{sink.port}/")).status_code == 201


def test_an_event_reported_as_not_delivered_is_never_sent(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _hanging_look_up(monkeypatch) as go:
        # One thread: the second event is sent once the first attempt is over and done with.
        delivery = Delivery(HttpSink(f"http://sink.test:{sink.port}/"), threads=1)
        with pytest.raises(NotDelivered) as caught:
            delivery.deliver(an_event(), time.monotonic() + 0.1)
        assert caught.value.outcome is Outcome.NOT_DELIVERED
        go.set()
        second = an_event()
        delivery.deliver(second, time.monotonic() + 5)
    assert [r.headers["ce-id"] for r in sink.received] == [second.get_id()]


def test_an_event_without_an_answer_is_not_sent_once_more_at_its_deadline() -> None:
    # No other thread waits: the socket's own time-out comes first.
    with open_sink(hanging()) as sink:
        with pytest.raises(NotDelivered) as caught:
            HttpSink(sink.url).send(an_event(), Attempt(time.monotonic() + 0.2))
        assert caught.value.outcome is Outcome.UNKNOWN
        # A second sending would have come by now: a later connection is served.
        with pytest.raises(NotDelivered):
            HttpSink(sink.url).send(an_event(), Attempt(time.monotonic() + 0.2))
        sink.wait_for(2)
        assert len(sink.received) == 2
        assert len({request.headers["ce-id"] for request in sink.received}) == 2
