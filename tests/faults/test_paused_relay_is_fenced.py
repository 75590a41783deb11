"""A relay is stopped for longer than its lease and wakes up when another is active."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support import processes
from tests.support.faults import change_load, evidence, recording_proxy, relays
from tests.support.faults.change_load import ChangeLoad
from tests.support.faults.relays import Pair
from tests.support.processes import Relay
from tests.support.sink_server import Sink
from tests.support.waiting import wait_until
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

LEASE_SECONDS = 1


@pytest.mark.timeout(900)
def test_a_relay_that_was_paused_changes_nothing_when_it_wakes_up(
    tmp_path: Path, engine: Engine, database_url: str, times: Callable[[int, int], int]
) -> None:
    with (
        processes.audit_service(tmp_path) as audit,
        recording_proxy.noting(audit.url) as sink,
        relays.pair(
            tmp_path, engine, database_url, sink.url, USER_SERVICE_RELAY_LEASE_SECONDS=LEASE_SECONDS
        ) as pair,
    ):
        with change_load.going_on(engine) as changes:
            for _ in range(times(2, 50)):
                sink.wait_for(len(sink.received) + 20)
                _pause_the_active_one(pair, sink)
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        log = evidence.in_the_log(audit.url)
    evidence.check_each_once(log)
    changes.check_number(len(log))
    evidence.check_first_arrivals_in_order(log)
    evidence.check_first_arrivals_in_order(evidence.on_the_wire(sink.received))


@pytest.mark.timeout(900)
def test_a_single_relay_that_was_paused_goes_on(
    tmp_path: Path, engine: Engine, database_url: str, times: Callable[[int, int], int]
) -> None:
    settings = {
        "USER_SERVICE_DATABASE_URL": database_url,
        "USER_SERVICE_RELAY_LEASE_SECONDS": LEASE_SECONDS,
    }
    with (
        processes.audit_service(tmp_path) as audit,
        recording_proxy.noting(audit.url) as sink,
        processes.relay(tmp_path, sink.url, **settings) as relay,
    ):
        with change_load.going_on(engine) as changes:
            for _ in range(times(1, 20)):
                sink.wait_for(len(sink.received) + 20)
                with paused(relay, engine):
                    wait_until(_reaches(changes, changes.number + 100))
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        log = evidence.in_the_log(audit.url)
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    evidence.check_first_arrivals_in_order(evidence.on_the_wire(sink.received))


def _reaches(changes: ChangeLoad, number: int) -> Callable[[], bool]:
    return lambda: changes.number >= number


def _pause_the_active_one(pair: Pair, sink: Sink) -> None:
    active = pair.active()
    assert active is not None
    lost = _times_lost(active)
    heir = pair.other(active)
    with paused(active, pair.engine):
        wait_until(lambda: pair.active() is heir, what="taking over")
        sink.wait_for(len(sink.received) + 20)
    wait_until(lambda: _times_lost(active) > lost, what="finding the lease lost")
    assert pair.active() is heir


def _times_lost(relay: Relay) -> int:
    return relay.output().count("the lease was lost")


@contextmanager
def paused(relay: Relay, engine: Engine) -> Iterator[None]:
    """All of its threads stand still until the end of the block.

    Not in the middle of a transaction, one that only reads included: on SQLite nobody could
    write then until it goes on.
    """
    try:
        _stop(relay)
        while not _takes_writes(engine):
            os.kill(relay.pid, signal.SIGCONT)
            wait_until(lambda: _takes_writes(engine))
            _stop(relay)
        yield
    finally:
        os.kill(relay.pid, signal.SIGCONT)


def _stop(relay: Relay) -> None:
    os.kill(relay.pid, signal.SIGSTOP)
    tasks = list(Path(f"/proc/{relay.pid}/task").iterdir())
    wait_until(lambda: all("State:\tT" in (task / "status").read_text() for task in tasks))


def _takes_writes(engine: Engine) -> bool:
    if engine.dialect.name != "sqlite":
        return True
    with closing(sqlite3.connect(str(engine.url.database), timeout=1)) as db:
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return False
    return True
