"""Circuit breaker: state of the sink, and when it may be sent to.

    available ──trip()──▶ unavailable: one probe at a time, ever longer apart
        │  ▲                   │  │
        │  └──record_success()─┘  │
        └────pause()──▶ paused: one probe at a time, far apart; a success ends it, too

A state change is logged once. A probe is an ordinary batch of one event.
"""

import random
import time
from enum import StrEnum

import structlog

from user_service.relay.timing import Clock, RelayTiming

log = structlog.get_logger()


class SinkState(StrEnum):
    """The relay's belief about the sink. The values are what operators are shown."""

    AVAILABLE = "open"
    UNAVAILABLE = "waiting"
    """It accepts nothing for now."""
    PAUSED = "paused"
    """An operator has to act: see PauseCause."""


class PauseCause(StrEnum):
    """Cause of a pause. The values are what operators are shown."""

    MISCONFIGURED = "misconfigured"
    """The sink answers as if it were none, or not for us."""
    ALL_REFUSED = "refuses everything"
    """It refused many events, and accepted nothing between."""
    DEAD_LETTERS = "too many dead letters"
    """One more would be too many."""


class CircuitBreaker:
    """The state, and the moment of the next probe. Owned by the dispatcher thread."""

    def __init__(self, timing: RelayTiming, clock: Clock = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        self.state = SinkState.AVAILABLE
        # None unless it is paused.
        self.paused_for: PauseCause | None = None
        # How many times something was acknowledged: others were, where it rose meanwhile.
        self.successes = 0
        # Of the last probe, before jitter; 0.0 while the sink is available.
        self._delay = 0.0
        # When the state was entered, and when the next probe is due, by `_clock`.
        self._since = 0.0
        self._next_probe = 0.0

    def allows(self, in_flight: int) -> bool:
        """Whether one more batch may be sent while so many are in flight."""
        if self.state is SinkState.AVAILABLE:
            return True
        return in_flight == 0 and self._clock() >= self._next_probe

    @property
    def next_probe_in(self) -> float:
        """Seconds until the next probe; infinite while the sink is available."""
        if self.state is SinkState.AVAILABLE:
            return float("inf")
        return max(0.0, self._next_probe - self._clock())

    def record_success(self) -> bool:
        """Something was acknowledged: the sink is available. True where it was not before."""
        self.successes += 1
        if self.state is SinkState.AVAILABLE:
            return False
        self._resume("the sink is back")
        return True

    def record_room(self) -> None:
        """There is room for dead letters: where that is why, the sink is no longer paused."""
        if self.paused_for is PauseCause.DEAD_LETTERS:
            self._resume("there is room for dead letters")

    def trip(self, began: float, reason: str, retry_after: float | None) -> None:
        """The sink is unavailable, as a batch that began at `began` found."""
        if self._is_known(began):
            return
        timing = self._timing
        shortest, longest = timing.shortest_probe_seconds, timing.longest_probe_seconds
        self._delay = min(longest, max(shortest, 2 * self._delay))
        # Jitter: relays of many services must not probe in step.
        delay = self._delay * random.uniform(0.8, 1.0)  # noqa: S311 - jitter is no secret
        if retry_after is not None:
            delay = min(max(retry_after, shortest), timing.longest_retry_after_seconds)
        self._enter(SinkState.UNAVAILABLE, delay, reason)

    def pause(
        self, began: float, reason: str, cause: PauseCause = PauseCause.MISCONFIGURED
    ) -> None:
        """The sink is paused, for what a batch that began at `began` found."""
        if not self._is_known(began):
            self._enter(SinkState.PAUSED, self._timing.paused_probe_seconds, reason, cause)

    def _resume(self, message: str) -> None:
        log.info(message, seconds=round(self._clock() - self._since, 1))
        self.state, self.paused_for, self._delay = SinkState.AVAILABLE, None, 0.0

    def _is_known(self, began: float) -> bool:
        """Whether a batch is older than the state, and so no news of the sink."""
        return self.state is not SinkState.AVAILABLE and began < self._since

    def _enter(
        self, state: SinkState, delay: float, reason: str, cause: PauseCause | None = None
    ) -> None:
        if (self.state, self.paused_for) != (state, cause):
            level = log.error if state is SinkState.PAUSED else log.warning
            level(
                f"the sink is {state}", reason=reason, **({"cause": cause.value} if cause else {})
            )
        if self.state is not state:
            self.state, self._since = state, self._clock()
        self.paused_for = cause
        self._next_probe = self._clock() + delay
