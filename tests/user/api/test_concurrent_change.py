"""Concurrent changes of a user: while one waits for the sink, and after a crash in it."""

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.support.sink_server import Sink
from tests.support.user_api import attributes, created, held, patch, path, refused, story, under_way
from tests.support.user_factory import change_store, updated
from tests.user.conftest import MakeApp, Query

Ask = Callable[[FlaskClient, Any], TestResponse]

CHANGES: list[Ask] = [
    lambda client, user: patch(client, user, name="Max"),
    lambda client, user: patch(client, user, password="new"),
    lambda client, user: client.delete(path(user)),
]


def conflict(answer: TestResponse) -> None:
    refused(answer, 409)
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.fixture
def two_users(make_app: MakeApp, sink: Sink) -> tuple[Any, Any]:
    """Users that were made before, while the sink was well."""
    client = make_app(sink=sink.url).test_client()
    return created(client), created(client)


@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("second", CHANGES)
def test_a_second_change_of_the_user_is_409_at_once_and_sends_nothing(
    make_app: MakeApp, two_users: tuple[Any, Any], query: Query, first: Ask, second: Ask
) -> None:
    user, _ = two_users
    with held(1) as (sink, gate):
        app = make_app(sink=sink.url, delivery_timeout=5)
        with under_way(app, sink, lambda client: first(client, user)) as future:
            before = query("SELECT * FROM users ORDER BY id")
            began = time.monotonic()
            conflict(second(app.test_client(), user))
            assert time.monotonic() - began < 1
            assert not future.done()
            assert query("SELECT * FROM users ORDER BY id") == before
            gate.set()
            assert future.result().status_code in {200, 204}
        assert len(sink.received) == 1
        assert query("SELECT * FROM claims") == []


def test_other_users_and_readers_do_not_wait(make_app: MakeApp, two_users: tuple[Any, Any]) -> None:
    user, other = two_users
    with held(1) as (sink, gate):
        app = make_app(sink=sink.url, delivery_timeout=5)
        with under_way(app, sink, lambda client: patch(client, user, name="Zoe")) as future:
            client = app.test_client()
            assert patch(client, other, name="Max").status_code == 200
            assert client.delete(path(other)).status_code == 204
            new = created(client)
            assert client.get(path(user)).get_json() == user
            assert client.get("/v1/user").get_json()["items"] == [user, new]
            assert not future.done()
            gate.set()
            assert future.result().get_json()["name"] == "Zoe"
        assert patch(client, user, name="Max").headers["ETag"] == '"3"'


# After a crash


def crash(engine: Engine, user: Any, expiry: timedelta) -> bytes:
    """Leave what a process leaves that dies while it sends; the event that it sent."""
    before = change_store(engine).get(user["id"])
    assert before is not None
    event = json.dumps({"id": "a-surplus-event", "subject": before.id}).encode()
    change_store(engine, expiry).begin(updated(before, name="Never"), event)
    return event


def test_a_user_left_claimed_by_a_crash_can_be_changed_once_the_claim_has_expired(
    client: FlaskClient, sink: Sink, engine: Engine, query: Query
) -> None:
    user = created(client)
    crash(engine, user, timedelta(seconds=16))
    conflict(patch(client, user, name="Zoe"))
    query("UPDATE claims SET lapses_at = lapses_at - 16000000")
    assert patch(client, user, name="Zoe").status_code == 200
    assert query("SELECT * FROM claims") == []
    assert story(sink) == [("user.storeUser", "1"), ("user.updateUser", "2")]


def test_the_next_change_logs_the_event_of_a_change_that_a_crash_cut_short(
    client: FlaskClient, engine: Engine
) -> None:
    user = created(client)
    event = crash(engine, user, timedelta(seconds=-1))
    with capture_logs() as lines:
        assert client.delete(path(user)).status_code == 204
    (warning,) = [line for line in lines if line["log_level"] == "warning"]
    assert warning["event_json"] == event.decode()
    assert warning["user_id"] == user["id"]


def test_a_crash_is_no_obstacle_to_readers(client: FlaskClient, engine: Engine) -> None:
    user = created(client)
    crash(engine, user, timedelta(seconds=16))
    assert client.get(path(user)).get_json() == user


def paused(app: Flask, sink: Sink, gate: threading.Event, user: Any, query: Query) -> TestResponse:
    """The response to a change that slept until its claim had expired and another was made."""
    with under_way(app, sink, lambda client: patch(client, user, name="Late")) as future:
        query("UPDATE claims SET lapses_at = 0")
        assert patch(app.test_client(), user, name="Zoe").status_code == 200
        gate.set()
        return future.result()


def test_a_change_whose_claim_was_cleared_meanwhile_is_500_unknown_and_not_made(
    make_app: MakeApp, two_users: tuple[Any, Any], query: Query
) -> None:
    user, _ = two_users
    with held(1) as (sink, gate):
        app = make_app(sink=sink.url, delivery_timeout=5)
        with capture_logs() as lines:
            answer = paused(app, sink, gate, user, query)
        assert refused(answer, 500)["outcome"] == "unknown"
        shown = app.test_client().get(path(user))
        assert (shown.get_json()["name"], shown.headers["ETag"]) == ("Zoe", '"2"')
        # Of two events of one version the later one happened; the other is named in the log.
        assert story(sink) == [("user.updateUser", "2")] * 2
        surplus = attributes(sink.received[0])["id"]
    assert [line["event_id"] for line in lines if line["log_level"] == "error"] == [surplus]
    (cleared,) = [line for line in lines if line["log_level"] == "warning"]
    assert json.loads(cleared["event_json"])["id"] == surplus


def test_a_change_whose_user_is_locked_for_too_long_is_503_and_sends_nothing(
    make_app: MakeApp, sink: Sink, engine: Engine
) -> None:
    client = make_app(sink=sink.url, lock_seconds=0.1).test_client()
    user = created(client)
    with engine.begin() as other:
        other.execute(text("UPDATE users SET version = version"))
        answer = patch(client, user, name="Zoe")
        assert client.get(path(user)).get_json() == user
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    assert story(sink) == [("user.storeUser", "1")]
