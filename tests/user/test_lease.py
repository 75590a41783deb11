"""Which relay is the active one, and what one that no longer is can do."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.user.outbox_relay import fresh_user, outbox_rows, relaying, until, wait
from tests.user.sinks import Sink
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.waiting import Settlement, WaitingEvents

NEVER = threading.Event()


def lease(engine: Engine, seconds: float = 0.5) -> Lease:
    return Lease(engine, name="test", seconds=seconds)


def test_nobody_takes_over_while_the_heart_beats(engine: Engine) -> None:
    first, second = lease(engine), lease(engine)
    assert first.acquire(NEVER)
    taken: list[bool] = []
    stop = threading.Event()
    contender = threading.Thread(target=lambda: taken.append(second.acquire(stop)))
    contender.start()
    for _ in range(15):
        first.beat()
        assert not stop.wait(0.1)
    stop.set()
    contender.join()
    assert taken == [False]


def test_another_takes_over_once_the_heart_stands_still_and_the_first_writes_nothing(
    engine: Engine,
) -> None:
    wait(engine, fresh_user())
    first, second = lease(engine), lease(engine)
    assert first.acquire(NEVER)
    assert second.acquire(NEVER)
    paused = WaitingEvents(engine, first, kept=timedelta(0))
    with pytest.raises(LeaseLost):
        paused.settle(Settlement(delivered=[1, 2, 3], size=3))
    with pytest.raises(LeaseLost):
        first.beat()
    assert len(outbox_rows(engine)) == 1
    second.beat()


def test_what_is_released_is_taken_over_at_once(engine: Engine) -> None:
    first = lease(engine, seconds=60)
    assert first.acquire(NEVER)
    first.release()
    began = time.monotonic()
    assert lease(engine, seconds=60).acquire(NEVER)
    assert time.monotonic() - began < 5


def test_a_lease_is_stale_when_another_could_have_taken_over(engine: Engine) -> None:
    held = lease(engine)
    assert held.acquire(NEVER)
    assert held.is_fresh
    until(lambda: not held.is_fresh)
    held.beat()
    assert held.is_fresh


def test_who_waits_gives_up_when_asked_to_stop(engine: Engine) -> None:
    assert lease(engine, seconds=60).acquire(NEVER)
    stop = threading.Event()
    stop.set()
    assert not lease(engine, seconds=60).acquire(stop)


def test_of_two_relays_each_event_is_delivered_once_while_both_live(
    engine: Engine, sink: Sink
) -> None:
    with relaying(engine, sink.url) as first, relaying(engine, sink.url) as second:
        until(lambda: first.active or second.active)
        wait(engine, *[fresh_user() for _ in range(10)], versions=3)
        until(lambda: outbox_rows(engine) == [])
        assert first.active is not second.active
    assert len(sink.received) == 30
