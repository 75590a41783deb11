"""One relay is active, whatever clocks say; one that was paused changes nothing."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.relay_harness import Log, drained, entries, fill, judging, relaying, wait_until
from tests.support.sink_server import open_sink
from user_service.relay import lease as leases
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.outbox_queue import OutboxQueue, PendingWrites, QueuedEvent
from user_service.store import outbox_admin
from user_service.store.transactions import StoreUnavailable, reading

SECONDS = 0.5


def lease_on(engine: Engine, name: str = "one", seconds: float = SECONDS) -> Lease:
    return Lease(engine, name=name, seconds=seconds)


def acquired(lease: Lease) -> float:
    """How long it took."""
    began = time.monotonic()
    assert lease.acquire(threading.Event())
    return time.monotonic() - began


def row(engine: Engine) -> outbox_admin.Lease:
    with reading(engine) as connection:
        return outbox_admin.lease(connection)


def test_the_first_relay_is_active_at_once(engine: Engine) -> None:
    assert acquired(lease_on(engine)) < SECONDS
    assert row(engine) == outbox_admin.Lease("one", 1)


def test_another_takes_over_when_the_heartbeat_stands_still_and_not_before(
    engine: Engine,
) -> None:
    acquired(lease_on(engine))
    assert SECONDS <= acquired(lease_on(engine, "two")) < SECONDS + 5
    assert row(engine) == outbox_admin.Lease("two", 2)


def test_another_takes_over_at_once_when_the_lease_is_released(engine: Engine) -> None:
    first = lease_on(engine, seconds=60)
    acquired(first)
    first.release()
    assert row(engine).holder is None
    assert acquired(lease_on(engine, "two", seconds=60)) < 5
    assert row(engine).holder == "two"


def test_nobody_takes_over_while_the_heart_beats(engine: Engine) -> None:
    first, stop = lease_on(engine), threading.Event()
    acquired(first)
    contender = threading.Thread(target=lease_on(engine, "two").acquire, args=(stop,))
    contender.start()
    until = time.monotonic() + 2 * SECONDS
    while time.monotonic() < until:
        first.heartbeat()
        stop.wait(SECONDS / 10)
    stop.set()
    contender.join()
    assert row(engine) == outbox_admin.Lease("one", 1)


def test_a_holder_knows_when_another_may_have_taken_over(engine: Engine) -> None:
    first = lease_on(engine)
    acquired(first)
    assert first.is_fresh
    wait_until(lambda: not first.is_fresh)
    first.heartbeat()
    assert first.is_fresh
    acquired(lease_on(engine, "two"))
    assert not first.is_fresh


def test_one_that_was_taken_over_writes_nothing(engine: Engine) -> None:
    fill(engine, "u", versions=[1, 2, 3, 4])
    old = lease_on(engine)
    acquired(old)
    acquired(lease_on(engine, "two"))
    before = entries(engine)
    waiting = OutboxQueue(engine, old, kept=timedelta())
    one, two, three, four = (entry.id for entry in before)
    pending = PendingWrites([one], {"reason": [two]}, dead={three: "reason"})
    pending.backing_off.append((QueuedEvent(four, "u", b"", 1.0, 1.0), "reason"))
    with pytest.raises(LeaseLost):
        waiting.write(pending)
    for write in (old.heartbeat, old.release, waiting.purge):
        with pytest.raises(LeaseLost):
            write()
    assert entries(engine) == before
    assert row(engine) == outbox_admin.Lease("two", 2)


def test_of_many_that_wait_one_takes_over(engine: Engine) -> None:
    acquired(lease_on(engine))
    stop, won = threading.Event(), []

    def contend(name: str) -> None:
        if lease_on(engine, name).acquire(stop):
            won.append(name)
            stop.set()

    threads = [threading.Thread(target=contend, args=(f"c{each}",)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert row(engine) == outbox_admin.Lease(won[0], 2)
    assert len(won) == 1


def test_a_read_that_hangs_makes_nobody_take_over_from_one_that_lives(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, contender = lease_on(engine), lease_on(engine, "two")
    acquired(holder)
    read, stop = contender._row, threading.Event()  # noqa: SLF001 - what hangs is inside
    reads: list[Any] = []

    def hanging_read() -> Any:
        if not reads:
            # The holder beats all the while; this read began long before and shows the last beat.
            stop.wait(2 * SECONDS)
            holder.heartbeat()
        elif len(reads) == 2:
            stop.set()
        reads.append(read())
        return reads[-1]

    monkeypatch.setattr(contender, "_row", hanging_read)
    assert not contender.acquire(stop)
    assert row(engine).holder == "one"
    assert holder.is_fresh


def test_a_heartbeat_between_the_look_and_the_takeover_prevents_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, contender = lease_on(engine), lease_on(engine, "two")
    acquired(holder)
    read, stop = contender._row, threading.Event()  # noqa: SLF001 - what comes between is inside
    since = time.monotonic()

    def overtaken_read() -> Any:
        found = read()
        if time.monotonic() - since > SECONDS:
            holder.heartbeat()
            stop.set()
        return found

    monkeypatch.setattr(contender, "_row", overtaken_read)
    assert not contender.acquire(stop)
    assert row(engine) == outbox_admin.Lease("one", 1)


def test_a_database_that_is_away_is_waited_for(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    contender = lease_on(engine)
    read, failures = contender._row, iter([StoreUnavailable("gone"), StoreUnavailable("gone")])  # noqa: SLF001

    def failing_read() -> Any:
        for failure in failures:
            raise failure
        return read()

    monkeypatch.setattr(contender, "_row", failing_read)
    with capture_logs() as logged:
        acquired(contender)
    assert [line["reason"] for line in logged if line["log_level"] == "warning"] == ["gone"] * 2


def test_a_relay_whose_heart_stood_still_is_replaced_and_breaks_no_order(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is cut off from the database with events on their way, as if it were paused."""
    users = [f"u{number}" for number in range(8)]
    fill(engine, *users, versions=range(1, 11))
    paused, beat = threading.Event(), leases.Lease.fenced_transaction

    def writing(lease: Lease) -> Any:
        if paused.is_set() and lease._name == "first":  # noqa: SLF001
            raise StoreUnavailable("paused")
        return beat(lease)

    monkeypatch.setattr(leases.Lease, "fenced_transaction", writing)
    log = Log()
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, "first") as first,
    ):
        wait_until(lambda: len(log.acknowledged) >= 20)
        paused.set()
        with relaying(database_url, sink.url, "second") as second:
            wait_until(drained(engine))
            assert second.is_active()
            assert row(engine).holder == "second"
            wait_until(lambda: not first.is_active())
    arrived = log.first_arrivals()
    for user in users:
        assert [event.version for event in arrived if event.user == user] == list(range(1, 11))


def test_who_waits_gives_up_when_asked_to_stop(engine: Engine) -> None:
    acquired(lease_on(engine))
    stop = threading.Event()
    stop.set()
    assert not lease_on(engine, "two").acquire(stop)
