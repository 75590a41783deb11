"""How often a sink that takes nothing is probed, and how long an event backs off."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from user_service.relay import backoff, circuit_breaker
from user_service.relay.backoff import Backoff, next_backoff
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState

PAUSE = 60.0


class Clock:
    """A monotonic clock that stands still until it is moved. The wall clock is none of it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(circuit_breaker, "time", clock)
    monkeypatch.setattr(backoff, "time", clock)
    return clock


def failing(breaker: CircuitBreaker, clock: Clock, retry_after: float | None = None) -> float:
    """A probe fails now: in how many seconds the next one is made."""
    with capture_logs():
        breaker.trip(clock.now, "reason", retry_after)
    assert breaker.state is SinkState.UNAVAILABLE
    return breaker.next_probe_in


def test_probes_are_half_a_second_apart_and_then_ever_more_to_five(clock: Clock) -> None:
    breaker, delays = CircuitBreaker(pause_seconds=PAUSE), []
    for _ in range(8):
        delays.append(failing(breaker, clock))
        clock.now += delays[-1]
    for delay, most in zip(delays, [0.5, 1, 2, 4, 5, 5, 5, 5], strict=True):
        assert 0.8 * most <= delay <= most


def test_two_relays_do_not_probe_in_step(clock: Clock) -> None:
    delays = {failing(CircuitBreaker(pause_seconds=PAUSE), clock) for _ in range(20)}
    assert len(delays) > 10


def test_one_probe_at_a_time_is_made_and_only_once_it_is_due(clock: Clock) -> None:
    breaker = CircuitBreaker(pause_seconds=PAUSE)
    assert breaker.allows(0)
    assert breaker.allows(100)
    assert breaker.next_probe_in == math.inf
    delay = failing(breaker, clock)
    assert not breaker.allows(0)
    clock.now += delay
    assert breaker.allows(0)
    assert not breaker.allows(1)


@pytest.mark.parametrize(
    ("asked", "waited"), [(3.0, 3.0), (100.0, 100.0), (10.0**9, 3600.0), (0.0, 0.5)]
)
def test_the_sink_may_say_when_it_is_probed_within_reason(
    clock: Clock, asked: float, waited: float
) -> None:
    assert failing(CircuitBreaker(pause_seconds=PAUSE), clock, asked) == waited


def test_success_opens_the_sink_and_the_next_wait_is_short_again(clock: Clock) -> None:
    breaker = CircuitBreaker(pause_seconds=PAUSE)
    for _ in range(5):
        clock.now += failing(breaker, clock)
    with capture_logs():
        assert breaker.record_success(), "everything becomes due"
    assert not breaker.record_success(), "it was already"
    assert (breaker.state, breaker.successes) == (SinkState.AVAILABLE, 2)
    clock.now += 1
    assert failing(breaker, clock) <= 0.5


def test_what_was_on_its_way_before_tells_nothing_new(clock: Clock) -> None:
    breaker = CircuitBreaker(pause_seconds=PAUSE)
    began = clock.now
    clock.now += 1
    first = failing(breaker, clock)
    with capture_logs():
        for _ in range(7):
            breaker.trip(began, "reason", None)
            breaker.pause(began, "reason")
    assert (breaker.state, breaker.next_probe_in) == (SinkState.UNAVAILABLE, first)


def test_a_sink_that_must_be_set_right_is_probed_seldom_and_that_is_an_error(
    clock: Clock,
) -> None:
    breaker = CircuitBreaker(pause_seconds=PAUSE)
    with capture_logs() as logged:
        for _ in range(3):
            breaker.pause(clock.now, "the sink answered 401")
            assert (breaker.state, breaker.next_probe_in) == (SinkState.PAUSED, PAUSE)
            clock.now += PAUSE
    (line,) = logged
    assert (line["log_level"], line["reason"]) == ("error", "the sink answered 401")


# Backoff


def test_a_backoff_is_half_a_second_and_doubles_to_five_minutes() -> None:
    delays = list(itertools.accumulate(range(12), lambda last, _: next_backoff(last), initial=0.0))
    assert delays[1:] == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(
    delays=st.lists(st.floats(0, 300), max_size=20),
    steps=st.lists(st.floats(0, 100), max_size=20),
    most=st.integers(1, 5),
)
def test_each_is_due_when_its_time_has_come_and_once(
    delays: list[float], steps: list[float], most: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr(backoff, "time", clock)
        found = Backoff()
        due = {}
        for number, delay in enumerate(delays):
            found.add(number, delay)
            due[number] = clock.now + delay
        for step in [*steps, *[1000.0] * len(delays)]:
            assert found.due_in == max(0.0, min(due.values(), default=math.inf) - clock.now)
            clock.now += step
            taken = found.take_due(most)
            expected = sorted((at, number) for number, at in due.items() if at <= clock.now)
            assert list(taken) == [number for _, number in expected[:most]]
            for number in taken:
                del due[number]
        assert due == {}


def test_all_are_due_at_once_when_they_are_to_hurry(clock: Clock) -> None:
    found = Backoff()
    for number in (3, 1, 2):
        found.add(number, 300.0)
    assert found.due_in == 300.0
    found.make_all_due()
    assert found.due_in == 0
    assert sorted(found.take_due(10)) == [1, 2, 3]
    assert clock.now == 1000.0
