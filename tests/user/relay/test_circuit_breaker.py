"""Circuit breaker: how often a sink that accepts nothing is probed."""

import math

import pytest
from structlog.testing import capture_logs

from tests.support.manual_clock import ManualClock
from tests.support.relay_harness import timing
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState

PAUSE = 60.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(timing(paused_probe_seconds=PAUSE), clock)


def failing(breaker: CircuitBreaker, clock: ManualClock, retry_after: float | None = None) -> float:
    """A probe fails now: in how many seconds the next one is made."""
    with capture_logs():
        breaker.trip(clock.now, "reason", retry_after)
    assert breaker.state is SinkState.UNAVAILABLE
    return breaker.next_probe_in


def test_probes_are_half_a_second_apart_and_then_ever_more_to_five(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    delays = []
    for _ in range(8):
        delays.append(failing(breaker, clock))
        clock.now += delays[-1]
    for delay, most in zip(delays, [0.5, 1, 2, 4, 5, 5, 5, 5], strict=True):
        assert 0.8 * most <= delay <= most


def test_two_relays_do_not_probe_in_step(clock: ManualClock) -> None:
    delays = {failing(CircuitBreaker(timing(), clock), clock) for _ in range(20)}
    assert len(delays) > 10


def test_one_probe_at_a_time_is_made_and_only_once_it_is_due(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
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
def test_retry_after_says_when_the_sink_is_probed_within_limits(
    breaker: CircuitBreaker, clock: ManualClock, asked: float, waited: float
) -> None:
    assert failing(breaker, clock, asked) == waited


def test_success_makes_the_sink_available_and_the_next_wait_short_again(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    for _ in range(5):
        clock.now += failing(breaker, clock)
    with capture_logs():
        assert breaker.record_success(), "everything becomes due"
    assert not breaker.record_success(), "it was already"
    assert (breaker.state, breaker.successes) == (SinkState.AVAILABLE, 2)
    clock.now += 1
    assert failing(breaker, clock) <= 0.5


def test_failures_of_batches_sent_before_change_nothing(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    began = clock.now
    clock.now += 1
    first = failing(breaker, clock)
    with capture_logs():
        for _ in range(7):
            breaker.trip(began, "reason", None)
            breaker.pause(began, "reason")
    assert (breaker.state, breaker.next_probe_in) == (SinkState.UNAVAILABLE, first)


def test_a_paused_sink_is_probed_seldom_and_that_is_an_error(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    with capture_logs() as logged:
        for _ in range(3):
            breaker.pause(clock.now, "the sink answered 401")
            assert (breaker.state, breaker.next_probe_in) == (SinkState.PAUSED, PAUSE)
            clock.now += PAUSE
    (line,) = logged
    assert (line["log_level"], line["reason"]) == ("error", "the sink answered 401")
