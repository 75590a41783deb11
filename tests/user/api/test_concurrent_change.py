"""Concurrent changes of a user: while one waits for the sink, and after a crash in it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.support.sink_server import Sink, in_turn, open_sink
from tests.support.user_api import (
    ARTICLE,
    attributes,
    created,
    held,
    patch,
    path,
    post,
    refused,
    same_event,
    story,
    under_way,
)
from tests.support.user_factory import change_store, updated
from tests.user.conftest import MakeApp, ManualPeriodic, Query
from user_service.sinks.cloudevents import describe, deserialise, serialise

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
def two_users(make_app: MakeApp, sink: Sink, periodic: ManualPeriodic) -> tuple[Any, Any]:
    """Users that were made before, while the sink was well."""
    client = make_app(sink=sink.url).test_client()
    periodic.forget()
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
        assert query("SELECT * FROM intents") == []


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


def crash(engine: Engine, user: Any) -> bytes:
    """Leave what a process leaves that dies while it sends; the event that it sent."""
    before = change_store(engine).get(user["id"])
    assert before is not None
    change = updated(before, name="Late")
    event = serialise(describe(change, "/crashed"))
    change_store(engine).begin(change, event)
    return event


def test_a_change_that_a_crash_cut_short_is_completed_and_then_there_can_be_another(
    client: FlaskClient, sink: Sink, engine: Engine, query: Query, periodic: ManualPeriodic
) -> None:
    user = created(client)
    event = deserialise(crash(engine, user))
    periodic.run()
    conflict(patch(client, user, name="Zoe"))
    query("UPDATE intents SET released = true")
    periodic.run()
    shown = client.get(path(user))
    assert (shown.get_json()["name"], shown.headers["ETag"]) == ("Late", '"2"')
    assert patch(client, user, name="Zoe").status_code == 200
    assert [version for _, version in story(sink)] == ["1", "2", "3"]
    assert attributes(sink.received[1])["id"] == event.get_id()
    assert query("SELECT * FROM intents") == []


def test_a_crash_is_no_obstacle_to_readers(client: FlaskClient, engine: Engine) -> None:
    user = created(client)
    crash(engine, user)
    assert client.get(path(user)).get_json() == user


@pytest.mark.parametrize("ask", CHANGES)
def test_a_change_of_unknown_outcome_is_made_once_the_sink_is_back(
    make_app: MakeApp, two_users: tuple[Any, Any], query: Query, periodic: ManualPeriodic, ask: Ask
) -> None:
    user, _ = two_users
    with open_sink(in_turn(503, 500)) as sink:
        client = make_app(sink=sink.url).test_client()
        with capture_logs():
            problem = refused(ask(client, user), 500)
            assert problem["outcome"] == "unknown"
            assert "may still be made" in problem["detail"]
            periodic.run()
            conflict(ask(client, user))
            assert client.get(path(user)).get_json() == user
            periodic.run()
        assert len(sink.received) == 3
        assert {attributes(one)["id"] for one in sink.received} == {
            attributes(sink.received[0])["id"]
        }
    assert query("SELECT * FROM intents") == []
    assert client.get(path(user)).headers.get("ETag") in {'"2"', None}
    assert client.get(path(user)).get_json() != user


def test_a_creation_of_unknown_outcome_is_withdrawn_and_never_made(
    make_app: MakeApp, query: Query, periodic: ManualPeriodic
) -> None:
    with open_sink(in_turn(503)) as sink:
        client = make_app(sink=sink.url).test_client()
        with capture_logs():
            problem = refused(post(client, ARTICLE), 500)
            assert problem["outcome"] == "unknown"
            assert "never will be" in problem["detail"]
            periodic.run()
        assert story(sink) == [
            ("user.storeUser", "1"),
            ("user.storeUser", "1"),
            ("user.deleteUser", "2"),
        ]
        assert same_event(*sink.received[:2])
    assert query("SELECT * FROM users") == query("SELECT * FROM intents") == []


def test_a_change_that_was_completed_by_another_meanwhile_is_answered_as_made(
    make_app: MakeApp, two_users: tuple[Any, Any], query: Query, periodic: ManualPeriodic
) -> None:
    user, _ = two_users
    with held(1) as (sink, gate):
        app = make_app(sink=sink.url, delivery_timeout=5)
        with (
            capture_logs(),
            under_way(app, sink, lambda client: patch(client, user, name="Late")) as future,
        ):
            query("UPDATE intents SET released = true")
            periodic.run()
            assert patch(app.test_client(), user, name="Zoe").status_code == 200
            gate.set()
            answer = future.result()
        assert (answer.status_code, answer.get_json()["name"]) == (200, "Late")
        shown = app.test_client().get(path(user))
        assert (shown.get_json()["name"], shown.headers["ETag"]) == ("Zoe", '"3"')
        assert same_event(*sink.received[:2])
        assert story(sink) == [("user.updateUser", version) for version in "223"]


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
