"""Idempotency-Key: a retry of a request that failed, hangs, or was cut short."""

import hashlib
import time

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from structlog.testing import capture_logs

from service_kit.clock import now
from tests.support.sink_server import Sink, in_turn, open_sink
from tests.support.user_api import attributes, held, refused, same_event, under_way
from tests.support.user_factory import change_store
from tests.support.user_idempotency import KEY, OZZY, ask, same
from tests.user.conftest import SHORT_DEADLINE, MakeApp, ManualPeriodic, Query
from user_service.sinks.cloudevents import describe, serialise
from user_service.users.domain import ChangeKind, User, UserChange
from user_service.users.passwords import Passwords

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("failures", [[500], [0], [503, 404, 500]])
def test_a_retry_sends_the_very_same_event_again(
    make_app: MakeApp, query: Query, failures: list[int]
) -> None:
    with open_sink(in_turn(*failures)) as sink:
        silent = {"delivery_timeout": SHORT_DEADLINE} if 0 in failures else {}
        client = make_app(sink=sink.url, **silent).test_client()
        for _ in failures:
            refused(ask(client), 500)
            assert query("SELECT * FROM users") == []
        answer = ask(client)
        assert same(answer, ask(client))
        first, *again = sink.received
        assert len(again) == len(failures)
        assert all(same_event(first, each) for each in again)
        assert attributes(first)["subject"] == answer.get_json()["id"]
        assert attributes(first)["time"] == answer.get_json()["created_at"]
        assert query("SELECT id FROM users") == [(answer.get_json()["id"],)]


@pytest.mark.parametrize("failures", [[422], [404], [500, 422]])
def test_a_retry_of_what_the_sink_does_not_have_is_a_new_request(
    make_app: MakeApp, query: Query, failures: list[int]
) -> None:
    with open_sink(in_turn(*failures)) as sink:
        client = make_app(sink=sink.url).test_client()
        *_, last = [refused(ask(client), 500) for _ in failures]
        assert last["outcome"] == "not-delivered"
        assert query("SELECT * FROM intents") == query("SELECT * FROM idempotency_keys") == []
        answer = ask(client, name="Zoe")
        assert same(answer, ask(client, name="Zoe"))
        assert attributes(sink.received[-1])["id"] != attributes(sink.received[0])["id"]


def test_what_may_have_arrived_before_is_not_called_undelivered_later(make_app: MakeApp) -> None:
    with open_sink(in_turn(500, 404)) as sink:
        client = make_app(sink=sink.url).test_client()
        assert [refused(ask(client), 500)["outcome"] for _ in range(2)] == ["unknown"] * 2


def test_a_creation_that_nobody_retries_is_completed(
    make_app: MakeApp, query: Query, periodic: ManualPeriodic
) -> None:
    with open_sink(in_turn(500)) as sink:
        client = make_app(sink=sink.url).test_client()
        problem = refused(ask(client), 500)
        assert problem["outcome"] == "unknown"
        assert "once" in problem["detail"]
        periodic.run()
        assert same_event(*sink.received)
        subject = attributes(sink.received[0])["subject"]
        assert query("SELECT id FROM users") == [(subject,)]
        assert ask(client).get_json()["id"] == subject
        assert len(sink.received) == 2


def test_a_retry_sends_the_traceparent_of_the_first_request(make_app: MakeApp) -> None:
    with open_sink(in_turn(500)) as sink:
        client = make_app(sink=sink.url, event_source="/\u0073ome?where").test_client()
        headers = {"Idempotency-Key": KEY, "traceparent": TRACEPARENT}
        refused(client.post("/v1/user", json=OZZY, headers=headers), 500)
        assert ask(client).status_code == 201
        first, again = sink.received
        assert same_event(first, again)
        assert attributes(again)["traceparent"] == TRACEPARENT


def test_a_retry_keeps_the_password_hash_of_the_first_request(
    make_app: MakeApp, query: Query
) -> None:
    with open_sink(in_turn(500)) as sink:
        client = make_app(sink=sink.url).test_client()
        ask(client)
        ask(client)
    ((password_hash,),) = query("SELECT password_hash FROM users")
    assert PasswordHasher().verify(password_hash, OZZY["password"])


def test_a_retry_with_another_body_is_422_and_sends_nothing(make_app: MakeApp) -> None:
    with open_sink(in_turn(500)) as sink:
        client = make_app(sink=sink.url).test_client()
        refused(ask(client), 500)
        refused(ask(client, name="Zoe"), 422)
        assert len(sink.received) == 1


def test_a_repeat_while_the_first_request_is_in_progress_is_409_at_once_and_sends_nothing(
    make_app: MakeApp,
) -> None:
    with held(1) as (sink, gate):
        app = make_app(sink=sink.url, delivery_timeout=5)
        with under_way(app, sink, ask) as future:
            client = app.test_client()
            began = time.monotonic()
            repeat = ask(client)
            refused(repeat, 409)
            assert int(repeat.headers["Retry-After"]) >= 1
            assert time.monotonic() - began < 1
            refused(ask(client, name="Zoe"), 422)
            assert ask(client, "another-key").status_code == 201
            assert not future.done()
            gate.set()
            first = future.result()
        assert same(ask(client), first)
        assert len(sink.received) == 2


# After a crash


def crash(engine: Engine) -> str:
    """Leave what a process leaves that dies while it sends; the event's id."""
    at = now()
    made = User("11111111-1111-4111-8111-111111111111", OZZY["name"], 1, at, at)
    kept = Passwords(memory_kib=8, iterations=1).hash(OZZY["password"], time.monotonic() + 5)
    change = UserChange(ChangeKind.CREATED, made, at, kept)
    event = describe(change, "/crashed")
    change_store(engine).begin(change, serialise(event), KEY)
    event_id: str = event.get_id()
    return event_id


def test_a_creation_that_a_crash_cut_short_is_resumed_once_nobody_holds_it(
    make_app: MakeApp, sink: Sink, engine: Engine, query: Query
) -> None:
    client = make_app(sink=sink.url).test_client()
    event_id = crash(engine)
    refused(ask(client), 409)
    assert sink.received == []
    query("UPDATE intents SET released = true")
    answer = ask(client)
    assert same(answer, ask(client))
    (event,) = sink.received
    assert attributes(event)["id"] == event_id
    assert attributes(event)["source"] == "/crashed"
    assert answer.get_json()["id"] == attributes(event)["subject"]


def test_a_first_request_whose_claim_was_taken_over_makes_no_second_user(
    make_app: MakeApp, query: Query
) -> None:
    with held(1) as (sink, gate):
        app = make_app(sink=sink.url, delivery_timeout=5)
        with capture_logs(), under_way(app, sink, ask) as future:
            query("UPDATE intents SET released = true")
            second = ask(app.test_client())
            gate.set()
            # It lost its claim, and finds the user made.
            assert same(future.result(), second)
        assert same(second, ask(app.test_client()))
        assert same_event(*sink.received)
        assert query("SELECT id FROM users") == [(second.get_json()["id"],)]


# Password


def test_nothing_is_kept_of_the_password_but_the_users_hash(
    make_app: MakeApp, sink: Sink, query: Query
) -> None:
    app = make_app(sink=sink.url)
    ask(app.test_client())
    ask(app.test_client(), "another", name="Zoe", password="another")
    kept = query("SELECT * FROM idempotency_keys ORDER BY name")
    known = query(
        "SELECT k.digest, u.id, u.name, u.created_at, k.noted_minute"
        " FROM idempotency_keys k JOIN users u ON k.user_id = u.id ORDER BY u.name"
    )
    # Every column is one of the user's own, or none that the password goes into.
    assert kept == known
    digests = {hashlib.sha256(key.encode()).digest() for key in (KEY, "another")}
    assert {bytes(row[0]) for row in kept} == digests
    assert query("SELECT * FROM intents") == []
