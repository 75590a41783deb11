"""Outbox delivery: a change and its event are stored together; the response waits for no sink."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from tests.support.relay_harness import entries, relaying
from tests.support.sink_server import Sink
from tests.support.user_api import attributes, created, patch, path, post, refused
from tests.support.user_factory import change_store, deleted, updated, user
from tests.support.user_factory import created as creation_of
from tests.support.user_idempotency import KEY, OZZY, ask, same
from tests.support.waiting import wait_until
from tests.user.conftest import MakeApp, Query
from user_service.sinks.cloudevents import describe, deserialise, serialise
from user_service.store import database
from user_service.store.outbox import OutboxFull
from user_service.users.domain import ConcurrentChange, UserChange, UserNotFound

NOWHERE = "http://127.0.0.1:1/"


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    """A client of a service with an outbox; its sink is down."""
    return make_app(delivery="outbox", sink=NOWHERE).test_client()


def events(query: Query) -> list[tuple[str, str, int]]:
    """User, type and version of each event in the outbox."""
    found = query("SELECT subject, type, event FROM outbox ORDER BY id")
    stored = [(row[0], row[1], deserialise(bytes(row[2]))) for row in found]
    for subject, kind, one in stored:
        assert (one.get_subject(), one.get_type()) == (subject, kind)
    return [(row[0], row[1], row[2].get_attributes()["subjectversion"]) for row in stored]


def put_event(engine: Engine, change: UserChange, **others: Any) -> None:
    store = change_store(engine, outbox_max=others.pop("outbox_max", 100))
    store.apply_with_event(change, serialise(describe(change, "/source")), **others)


# Change and event


@contextmanager
def _failing_at(engine: Engine, beginning: str) -> Iterator[None]:
    """A statement that begins so fails."""

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(beginning):
            raise ZeroDivisionError

    event.listen(engine, "before_cursor_execute", fail)
    yield
    event.remove(engine, "before_cursor_execute", fail)


def test_each_change_is_answered_while_the_sink_is_down_and_leaves_its_event(
    client: FlaskClient, query: Query
) -> None:
    began = time.monotonic()
    made = created(client)
    assert patch(client, made, name="Zoe").status_code == 200
    assert client.delete(path(made)).status_code == 204
    assert time.monotonic() - began < 2
    assert events(query) == [
        (made["id"], "user.storeUser", 1),
        (made["id"], "user.updateUser", 2),
        (made["id"], "user.deleteUser", 3),
    ]
    assert query("SELECT state, attempts FROM outbox") == [("waiting", 0)] * 3


@pytest.mark.parametrize("kind", ["creation", "update", "deletion"])
def test_a_transaction_that_fails_in_between_leaves_neither(
    engine: Engine, query: Query, kind: str
) -> None:
    made = user()
    if kind != "creation":
        put_event(engine, creation_of(made))
    change = {
        "creation": creation_of(made),
        "update": updated(made, name="Zoe"),
        "deletion": deleted(made),
    }[kind]
    before = query("SELECT * FROM users"), query("SELECT id FROM outbox")
    with _failing_at(engine, "INSERT INTO outbox"), pytest.raises(ZeroDivisionError):
        put_event(engine, change)
    assert (query("SELECT * FROM users"), query("SELECT id FROM outbox")) == before
    put_event(engine, change)
    assert len(query("SELECT id FROM outbox")) == len(before[1]) + 1


def test_a_change_that_is_not_made_leaves_no_event(engine: Engine, query: Query) -> None:
    with pytest.raises(UserNotFound):
        put_event(engine, updated(user(), name="Zoe"))
    put_event(engine, creation_of(user()))
    put_event(engine, updated(user(), name="Zoe"))
    with pytest.raises(ConcurrentChange):
        put_event(engine, updated(user(), name="Zoe"))
    assert [version for _, _, version in events(query)] == [1, 2]


def test_of_concurrent_changes_of_a_user_some_are_409_and_the_versions_have_no_gap(
    make_app: MakeApp, query: Query
) -> None:
    app = make_app(delivery="outbox", sink=NOWHERE)
    made = created(app.test_client())
    together = threading.Barrier(8)

    def change(number: int) -> int:
        with app.test_client() as client:
            together.wait()
            answers = [patch(client, made, name=f"n{number}-{each}") for each in range(5)]
        assert {answer.status_code for answer in answers} <= {200, 409}
        return sum(answer.status_code == 200 for answer in answers)

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(change, range(8)))
    assert done >= 1
    found = app.test_client().get(path(made)).get_json()
    assert [version for _, _, version in events(query)] == list(range(1, done + 2))
    assert query("SELECT version, name FROM users") == [(done + 1, found["name"])]


# Idempotency-Key


def test_a_repeat_makes_no_second_user_and_no_second_event(
    client: FlaskClient, query: Query
) -> None:
    first = ask(client)
    assert same(ask(client), first)
    refused(ask(client, name="Another"), 422)
    assert len(events(query)) == 1
    assert query("SELECT id FROM users") == [(first.get_json()["id"],)]


def test_the_same_key_at_the_same_time_makes_one_user_and_one_event(
    make_app: MakeApp, query: Query
) -> None:
    app = make_app(delivery="outbox", sink=NOWHERE)
    together = threading.Barrier(6)

    def try_it(_: int) -> int:
        together.wait()
        return ask(app.test_client()).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = set(pool.map(try_it, range(6)))
    assert statuses <= {201, 409}
    assert 201 in statuses
    assert len(events(query)) == len(query("SELECT id FROM users")) == 1


def test_an_intent_of_direct_delivery_is_respected(
    client: FlaskClient, engine: Engine, query: Query
) -> None:
    """Of a process that is still in that mode."""
    made = created(client)
    change_store(engine).begin(updated(user(made["id"]), name="Zoe"), b"{}")
    change_store(engine).begin(creation_of(user(name=OZZY["name"])), b"{}", KEY)
    refused(patch(client, made, name="Zoe"), 409)
    refused(ask(client), 409)
    assert len(events(query)) == 1


# Bound of the outbox


def test_past_outbox_max_a_change_is_503_and_nothing_is_stored(
    make_app: MakeApp, query: Query
) -> None:
    client = make_app(delivery="outbox", sink=NOWHERE, outbox_max=3).test_client()
    made = [created(client) for _ in range(3)]
    before = query("SELECT * FROM users ORDER BY id")
    for answer in (
        post(client, OZZY),
        ask(client),
        patch(client, made[0], name="Zoe"),
        client.delete(path(made[0])),
    ):
        refused(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
    assert query("SELECT * FROM users ORDER BY id") == before
    assert query("SELECT * FROM idempotency_keys") == []
    query("DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox)")
    assert ask(client).status_code == 201
    refused(post(client, OZZY), 503)


def test_gaps_between_ids_and_dead_letters_take_no_room(make_app: MakeApp, query: Query) -> None:
    client = make_app(delivery="outbox", sink=NOWHERE, outbox_max=3).test_client()
    for _ in range(3):
        created(client)
    query("DELETE FROM outbox WHERE id = (SELECT min(id) + 1 FROM outbox)")
    created(client)
    query("UPDATE outbox SET state = 'dead' WHERE id = (SELECT max(id) FROM outbox)")
    created(client)
    refused(post(client, OZZY), 503)


def test_outbox_max_is_exact_on_sqlite_under_concurrent_writes(
    database_file: Path,
) -> None:
    engine = database.connect(f"sqlite:///{database_file}", threads=8)
    together = threading.Barrier(8)

    def create(number: int) -> bool:
        together.wait()
        try:
            put_event(engine, creation_of(user(f"u{number}")), outbox_max=5)
        except OutboxFull:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 5
    assert len(entries(engine)) == 5
    engine.dispose()


def test_the_relay_delivers_what_the_service_stored(
    make_app: MakeApp, engine: Engine, database_url: str, sink: Sink
) -> None:
    client = make_app(delivery="outbox", sink=sink.url).test_client()
    made = created(client)
    assert sink.received == []
    with relaying(database_url, sink.url):
        sink.wait_for(1)
        wait_until(lambda: entries(engine) == [])
    (event,) = sink.received
    sent = attributes(event)
    assert (sent["subject"], sent["type"]) == (made["id"], "user.storeUser")
    assert change_store(engine).get(made["id"]) is not None
