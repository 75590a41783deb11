"""Lease: one relay is active, whatever clocks say; one that was paused changes nothing."""

import itertools
import threading
import time

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from tests.support.manual_clock import ManualClock
from tests.support.relay_harness import (
    SinkLog,
    connected,
    drained,
    entries,
    fail_to_connect,
    fill,
    judging,
    relaying,
    timing,
)
from tests.support.sink_server import open_sink
from tests.support.waiting import wait_until
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.outbox_queue import OutboxQueue
from user_service.relay.queued_events import PendingWrites, QueuedEvent
from user_service.relay.timing import Clock
from user_service.store import outbox_admin
from user_service.store.transactions import reading

SECONDS = 0.5


def lease_on(
    engine: Engine, name: str = "one", seconds: float = SECONDS, clock: Clock = time.monotonic
) -> Lease:
    return Lease(engine, name, timing(lease_seconds=seconds), clock)


def acquired(lease: Lease) -> float:
    """How long it took."""
    began = time.monotonic()
    assert lease.acquire(threading.Event())
    return time.monotonic() - began


def row(engine: Engine) -> outbox_admin.LeaseHolder:
    with reading(engine) as connection:
        return outbox_admin.lease(connection)


def test_the_first_relay_is_active_at_once(engine: Engine) -> None:
    assert acquired(lease_on(engine)) < SECONDS
    assert row(engine) == outbox_admin.LeaseHolder("one", 1)


def test_another_takes_over_when_the_heartbeat_stands_still_and_not_before(
    engine: Engine,
) -> None:
    acquired(lease_on(engine))
    assert SECONDS <= acquired(lease_on(engine, "two")) < SECONDS + 5
    assert row(engine) == outbox_admin.LeaseHolder("two", 2)


def test_another_takes_over_at_once_when_the_lease_is_released(engine: Engine) -> None:
    first = lease_on(engine, seconds=60)
    acquired(first)
    first.release()
    assert row(engine).holder is None
    assert acquired(lease_on(engine, "two", seconds=60)) < 5
    assert row(engine).holder == "two"


def test_no_relay_takes_over_while_the_heartbeat_moves(engine: Engine) -> None:
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
    assert row(engine) == outbox_admin.LeaseHolder("one", 1)


def test_a_holder_knows_when_another_may_have_taken_over(engine: Engine) -> None:
    first = lease_on(engine)
    acquired(first)
    assert first.is_fresh
    wait_until(lambda: not first.is_fresh)
    first.heartbeat()
    assert first.is_fresh
    acquired(lease_on(engine, "two"))
    assert not first.is_fresh


def test_a_relay_that_was_replaced_writes_nothing(engine: Engine) -> None:
    fill(engine, "u", versions=[1, 2, 3, 4])
    old = lease_on(engine)
    acquired(old)
    acquired(lease_on(engine, "two"))
    before = entries(engine)
    waiting = OutboxQueue(engine, old, timing())
    one, two, three, four = (entry.id for entry in before)
    pending = PendingWrites([one], {"reason": [two]}, dead={three: "reason"})
    pending.backing_off.append((QueuedEvent(four, "u", b"", 1.0, 1.0), "reason"))
    with pytest.raises(LeaseLost):
        waiting.write(pending)
    for write in (old.heartbeat, old.release, waiting.purge):
        with pytest.raises(LeaseLost):
            write()
    assert entries(engine) == before
    assert row(engine) == outbox_admin.LeaseHolder("two", 2)


def test_one_of_many_standbys_takes_over(engine: Engine) -> None:
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
    assert row(engine) == outbox_admin.LeaseHolder(won[0], 2)
    assert len(won) == 1


def test_a_standby_whose_read_hangs_does_not_take_over_from_a_live_relay(
    engine: Engine, database_url: str
) -> None:
    clock, stop, reads = ManualClock(), threading.Event(), itertools.count(1)
    holder = lease_on(engine, clock=clock)
    acquired(holder)

    def hang(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM relay" not in statement:
            return
        number = next(reads)
        if number == 1:
            # The holder beats all the while; this read began long before and shows the last beat.
            clock.now += 2 * SECONDS
            holder.heartbeat()
        elif number == 3:
            stop.set()

    with connected(database_url) as slow:
        event.listen(slow, "before_cursor_execute", hang)
        assert not lease_on(slow, "two", clock=clock).acquire(stop)
    assert row(engine).holder == "one"
    assert holder.is_fresh


def test_a_heartbeat_between_the_look_and_the_takeover_prevents_it(engine: Engine) -> None:
    holder, stop, calls = lease_on(engine), threading.Event(), itertools.count(1)
    acquired(holder)

    def overtaken() -> float:
        """The contender's clock, which it reads between the two."""
        if next(calls) <= 2:
            return 0.0
        holder.heartbeat()
        stop.set()
        return SECONDS

    assert not lease_on(engine, "two", clock=overtaken).acquire(stop)
    assert row(engine) == outbox_admin.LeaseHolder("one", 1)


def test_a_standby_waits_for_a_database_that_is_away(database_url: str) -> None:
    failures = iter(range(2))

    def fail_twice(*_: object) -> None:
        if next(failures, None) is not None:
            fail_to_connect()

    with connected(database_url) as frail, capture_logs() as logged:
        event.listen(frail, "before_cursor_execute", fail_twice)
        acquired(lease_on(frail))
    reasons = [line["reason"] for line in logged if line["log_level"] == "warning"]
    assert reasons == ["ConnectionError"] * 2


def test_a_relay_that_is_cut_off_is_replaced_and_breaks_no_order(
    engine: Engine, database_url: str
) -> None:
    """The first is cut off from the database with events on their way, as if it were paused."""
    users = [f"u{number}" for number in range(8)]
    fill(engine, *users, versions=range(1, 11))
    log = SinkLog()
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, "first") as first,
    ):
        wait_until(lambda: len(log.acknowledged) >= 20)
        first.cut_off()
        with relaying(database_url, sink.url, "second") as second:
            wait_until(drained(engine))
            assert second.is_active()
            assert row(engine).holder == "second"
            wait_until(lambda: not first.is_active())
    arrived = log.first_arrivals()
    for user in users:
        assert [each.version for each in arrived if each.user == user] == list(range(1, 11))


def test_a_standby_stops_when_asked(engine: Engine) -> None:
    acquired(lease_on(engine))
    stop = threading.Event()
    stop.set()
    assert not lease_on(engine, "two").acquire(stop)
