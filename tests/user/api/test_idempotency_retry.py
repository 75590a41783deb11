"""Idempotency-Key: a retry of a request that failed, hangs, or was cut short."""

import time
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from service_kit.clock import now
from tests.support.sink_server import Sink, in_turn, open_sink
from tests.support.user_api import attributes, held, refused, same_event, under_way
from tests.support.user_factory import change_store
from tests.support.user_idempotency import KEY, OZZY, ask, same
from tests.user.conftest import SHORT_DEADLINE, MakeApp, Query
from user_service.sinks.cloudevents import describe, deserialise, serialise
from user_service.users.domain import ChangeKind, User, UserChange
from user_service.users.passwords import Passwords

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("failures", [[500], [422], [0], [503, 400, 500]])
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
    hashing = Passwords(memory_kib=8, iterations=1)
    assert hashing.verify(password_hash, OZZY["password"], time.monotonic() + 5)


def test_a_retry_with_another_body_is_422_and_sends_nothing(make_app: MakeApp) -> None:
    with open_sink(in_turn(500)) as sink:
        client = make_app(sink=sink.url).test_client()
        refused(ask(client), 500)
        refused(ask(client, name="Zoe"), 422)
        refused(ask(client, password="another"), 422)
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


def crash(engine: Engine, expiry: timedelta) -> str:
    """Leave what a process leaves that dies while it sends; the event's id."""
    at = now()
    made = User("11111111-1111-4111-8111-111111111111", OZZY["name"], 1, at, at)
    kept = Passwords(memory_kib=8, iterations=1).hash(OZZY["password"], time.monotonic() + 5)
    change = UserChange(ChangeKind.CREATED, made, at, kept)
    event = describe(change, "/crashed")
    change_store(engine, expiry).begin(change, serialise(event), KEY)
    event_id: str = event.get_id()
    return event_id


def test_a_creation_that_a_crash_cut_short_is_resumed_once_its_claim_has_expired(
    make_app: MakeApp, sink: Sink, engine: Engine, query: Query
) -> None:
    client = make_app(sink=sink.url).test_client()
    event_id = crash(engine, timedelta(seconds=15))
    refused(ask(client), 409)
    assert sink.received == []
    query("UPDATE idempotency_keys SET lapses_at = lapses_at - 15000000")
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
            query("UPDATE idempotency_keys SET lapses_at = 0")
            second = ask(app.test_client())
            gate.set()
            assert refused(future.result(), 500)["outcome"] == "unknown"
        assert same(second, ask(app.test_client()))
        assert same_event(*sink.received)
        assert query("SELECT id FROM users") == [(second.get_json()["id"],)]


# Password


def test_an_argon2_hash_is_all_that_is_kept_of_the_password(
    make_app: MakeApp, sink: Sink, query: Query
) -> None:
    app = make_app(sink=sink.url)
    ask(app.test_client())
    ask(app.test_client(), "another", name="Zoe", password="another")
    (columns, *_) = kept = query("SELECT * FROM idempotency_keys ORDER BY name")
    assert len(kept) == 2
    known = query(
        "SELECT k.key, u.id, u.name, u.password_hash, u.created_at, k.event, k.holder,"
        " k.lapses_at, k.done FROM idempotency_keys k JOIN users u ON k.user_id = u.id"
        " ORDER BY u.name"
    )
    # Every column is one of the user's own, or none that the password goes into.
    assert kept == known
    assert columns[3].startswith("$argon2id$")
    event = bytes(columns[5])
    assert event == serialise(deserialise(event))
    assert uuid.UUID(columns[6])
