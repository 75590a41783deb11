"""Outbox queue: what it keeps of delivered events, how soon it has new ones, database faults."""

import threading
import time
from functools import partial
from typing import Any

from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from tests.support import postgres
from tests.support.relay_harness import (
    SinkLog,
    UserEvent,
    connected,
    drained,
    entries,
    fill,
    judging,
    relaying,
    states,
    timing,
)
from tests.support.sink_server import Sink, open_sink
from tests.support.waiting import wait_until
from tests.user.conftest import Query
from user_service.relay.lease import Lease
from user_service.relay.outbox_queue import OutboxQueue
from user_service.store import schema

USERS = [f"u{number}" for number in range(10)]


# What is delivered


def test_delivered_events_are_deleted(engine: Engine, database_url: str, sink: Sink) -> None:
    fill(engine, *USERS)
    with relaying(database_url, sink.url):
        wait_until(lambda: entries(engine) == [])
    assert len(sink.received) == len(USERS)


def test_delivered_events_are_kept_as_long_as_is_set_and_not_sent_again(
    engine: Engine, database_url: str, sink: Sink
) -> None:
    fill(engine, *USERS)
    for _ in range(2):
        with relaying(database_url, sink.url, outbox_keep_hours=1):
            wait_until(lambda: states(engine) == {"delivered": len(USERS)})
    assert {entry.attempts for entry in entries(engine)} == {1}
    assert len(sink.received) == len(USERS)


def test_delivered_events_kept_long_enough_are_purged_and_nothing_else(
    engine: Engine, database_url: str, query: Query, sink: Sink
) -> None:
    fill(engine, *USERS)
    with relaying(database_url, sink.url, outbox_keep_hours=1):
        wait_until(drained(engine))
    fill(engine, "dead")
    query("UPDATE outbox SET state = 'dead', settled_at = 0 WHERE subject = 'dead'")
    new = entries(engine)[0].id
    hours = 3600 * 1_000_000
    query(
        "UPDATE outbox SET settled_at = settled_at - :two WHERE id > :new", two=2 * hours, new=new
    )
    with relaying(database_url, sink.url, timing={"purge_size": 3}, outbox_keep_hours=1):
        wait_until(lambda: len(entries(engine)) == 2, 5)
    assert states(engine) == {"delivered": 1, "dead": 1}
    assert entries(engine)[0].id == new


def test_a_shorter_time_to_keep_purges_events_kept_before(
    engine: Engine, database_url: str, sink: Sink
) -> None:
    fill(engine, *USERS)
    with relaying(database_url, sink.url, outbox_keep_hours=1):
        wait_until(drained(engine))
    with relaying(database_url, sink.url):
        wait_until(lambda: entries(engine) == [])


# How soon


def test_a_new_event_is_at_the_sink_at_once(engine: Engine, database_url: str) -> None:
    log = SinkLog()
    # On PostgreSQL nothing but the notification can tell of it in time.
    seldom = {"poll_seconds": 60.0} if engine.dialect.name == "postgresql" else {}
    with open_sink(judging(log)) as sink, relaying(database_url, sink.url, timing=seldom) as relay:
        fill(engine, "first")
        wait_until(lambda: log.acknowledged == [UserEvent("first", 1)])
        for version in range(2, 7):
            began = time.monotonic()
            fill(engine, "first", versions=[version])
            wait_until(partial(log.has_acknowledged, UserEvent("first", version)))
            assert time.monotonic() - began < 2
        assert relay.is_active()


def test_an_idle_relay_asks_the_database_seldom(
    engine: Engine, database_url: str, sink: Sink
) -> None:
    statements: list[str] = []

    def note(_c: Any, _d: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    with relaying(database_url, sink.url, relay_lease_seconds=5) as relay:
        wait_until(relay.is_active)
        event.listen(Engine, "before_cursor_execute", note)
        try:
            threading.Event().wait(1.0)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
    looks = [each for each in statements if "FROM outbox" in each]
    assert len(looks) <= (13 if engine.dialect.name == "sqlite" else 4)
    assert len(statements) <= len(looks) + 8


def test_a_relay_that_waits_for_an_answer_does_not_spin(engine: Engine, database_url: str) -> None:
    fill(engine, *USERS)
    gate = threading.Event()
    waits = iter([503] * 8)

    def judge(_: object) -> int:
        status = next(waits, 0)
        if not status:
            gate.wait(10)
        return status or 204

    log = SinkLog(judge)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, relay_timeout=30, relay_lease_seconds=5) as relay,
    ):
        wait_until(lambda: len(log.arrived) == 9)
        before = relay.status.turns
        gate.wait(0.5)
        assert relay.status.turns - before < 25
        gate.set()
        wait_until(drained(engine))


# A backoff that a restart interrupts


def test_a_backoff_is_kept_in_the_database_and_is_no_longer_after_a_restart(
    engine: Engine, database_url: str, query: Query
) -> None:
    fill(engine, "bad", versions=[1, 2])
    fill(engine, "good")
    query("UPDATE outbox SET backoff_seconds = 1 WHERE id = (SELECT min(id) FROM outbox)")
    log = SinkLog()
    with open_sink(judging(log)) as sink:
        began = time.monotonic()
        with relaying(database_url, sink.url, timing={"shortest_backoff_seconds": 1}):
            wait_until(drained(engine))
    at = dict(zip(log.singles(), log.at, strict=True))
    assert at[UserEvent("bad", 1)] - began >= 1
    assert at[UserEvent("bad", 1)] - began < 4
    assert log.of("bad") == [1, 2]
    assert log.singles()[0] == UserEvent("good", 1), "who backs off keeps nobody waiting"


# A database that goes away


def test_the_relay_writes_the_outcomes_once_the_database_is_back(
    postgres_server: postgres.Server, postgres_url: str
) -> None:
    soon = {"database_retry_seconds": 0.05}
    gate = threading.Event()
    log = SinkLog(lambda events: 204 if events[0].version == 1 or gate.wait(10) else 500)
    with (
        capture_logs() as logged,
        connected(postgres_url) as engine,
        open_sink(judging(log)) as sink,
        relaying(postgres_url, sink.url, timing=soon, relay_timeout=30, relay_lease_seconds=30),
    ):
        schema.migrate(engine)
        fill(engine, *USERS, versions=[1, 2, 3])
        # One on each connection waits for its answer.
        wait_until(lambda: [event.version for event in log.singles()].count(2) == 8)
        # Of the two users whose turn has not come it is written that the first was delivered.
        wait_until(lambda: len(entries(engine)) == 20)
        postgres_server.stop()
        try:
            gate.set()
            wait_until(lambda: len(log.acknowledged) == 20)
            before = len(logged)
            wait_until(lambda: len(logged) >= before + 3)
            # None of a user's is sent before it is written that the last one was delivered.
            assert {event.version for event in log.singles()} == {1, 2}
        finally:
            postgres_server.start()
        wait_until(drained(engine))
    for user in USERS:
        assert log.of(user) == [1, 2, 3]
    assert len(log.singles()) == 30, "what was acknowledged was kept in mind"


def test_a_fenced_transaction_is_a_heartbeat_too(engine: Engine) -> None:
    lease = Lease(engine, "one", timing(lease_seconds=0.5))
    lease.acquire(threading.Event())
    wait_until(lambda: lease.next_heartbeat_in <= 0)
    OutboxQueue(engine, lease, timing()).purge()
    assert lease.next_heartbeat_in > 0
