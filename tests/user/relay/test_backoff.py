"""Backoff: how long an event that fails by itself waits, and when it is due."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.manual_clock import ManualClock
from tests.support.relay_harness import timing
from user_service.relay.backoff import Backoff


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def backoff(clock: ManualClock) -> Backoff:
    return Backoff(timing(), clock)


def test_a_backoff_is_half_a_second_and_doubles_to_five_minutes(backoff: Backoff) -> None:
    delays = list(
        itertools.accumulate(range(12), lambda last, _: backoff.next_backoff(last), initial=0.0)
    )
    assert delays[1:] == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(
    delays=st.lists(st.floats(0, 300), max_size=20),
    steps=st.lists(st.floats(0, 100), max_size=20),
    most=st.integers(1, 5),
)
def test_an_event_is_due_once_and_when_its_backoff_is_over(
    delays: list[float], steps: list[float], most: int
) -> None:
    clock = ManualClock()
    backoff = Backoff(timing(), clock)
    due = {}
    for number, delay in enumerate(delays):
        backoff.add(number, delay)
        due[number] = clock.now + delay
    for step in [*steps, *[1000.0] * len(delays)]:
        assert backoff.due_in == max(0.0, min(due.values(), default=math.inf) - clock.now)
        clock.now += step
        taken = backoff.take_due(most)
        expected = sorted((at, number) for number, at in due.items() if at <= clock.now)
        assert list(taken) == [number for _, number in expected[:most]]
        for number in taken:
            del due[number]
    assert due == {}


def test_all_events_can_be_made_due_at_once(clock: ManualClock, backoff: Backoff) -> None:
    for number in (3, 1, 2):
        backoff.add(number, 300.0)
    assert backoff.due_in == 300.0
    backoff.make_all_due()
    assert backoff.due_in == 0
    assert sorted(backoff.take_due(10)) == [1, 2, 3]
    assert clock.now == 1000.0
