"""Requests that wait for a sink: reads and health are answered beside them."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.support.sink_server import (
    Sink,
    closed_port,
    hanging,
    open_sink,
)
from tests.support.user_delivery import (
    PROBLEM,
    create,
    users,
)
from tests.user.conftest import SHORT_DEADLINE, MakeApp


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: what a sink does is the same to any database."""
    return f"sqlite:///{database_file}"


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


def test_reads_and_health_answer_at_once_while_every_place_is_occupied(
    make_app: MakeApp, database_file: Path
) -> None:
    with open_sink(hanging()) as sink:
        app = make_app(sink=sink.url, threads=16, delivery_timeout=2.5)
        client = app.test_client()
        with _requests_that_hang(app, sink, 12) as answers:
            assert _at_once(lambda: client.get("/v1/user/x")).status_code == 404
            assert _at_once(lambda: client.get("/livez")).status_code == 200
            assert _at_once(lambda: client.get("/readyz")).status_code == 200
            thirteenth = create(app)
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
        app = make_app(sink=sink.url, threads=4, delivery_timeout=SHORT_DEADLINE)
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
