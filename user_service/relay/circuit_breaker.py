"""Circuit breaker: state of the sink, and when it may be sent to.

    available ──trip()──▶ unavailable: one probe at a time, ever longer apart
        │  ▲                   │  │
        │  └──record_success()─┘  │
        └────pause()──▶ paused: one probe at a time, far apart

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
    """An operator has to act: it answers as if it were no sink, or not for us."""


class CircuitBreaker:
    """The state, and the moment of the next probe. Owned by the dispatcher thread."""

    def __init__(self, timing: RelayTiming, clock: Clock = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        self.state = SinkState.AVAILABLE
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
        log.info("the sink is back", seconds=round(self._clock() - self._since, 1))
        self.state, self._delay = SinkState.AVAILABLE, 0.0
        return True

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

    def pause(self, began: float, reason: str) -> None:
        """The sink is paused, for what a batch that began at `began` found."""
        if not self._is_known(began):
            self._enter(SinkState.PAUSED, self._timing.paused_probe_seconds, reason)

    def _is_known(self, began: float) -> bool:
        """Whether a batch is older than the state, and so no news of the sink."""
        return self.state is not SinkState.AVAILABLE and began < self._since

    def _enter(self, state: SinkState, delay: float, reason: str) -> None:
        if self.state is not state:
            level = log.error if state is SinkState.PAUSED else log.warning
            level(f"the sink is {state}", reason=reason)
            self.state, self._since = state, self._clock()
        self._next_probe = self._clock() + delay
