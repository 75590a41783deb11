"""How fast the relay may send: as fast as it can, or probing a sink that takes nothing."""

import random
import time
from enum import StrEnum

import structlog

from user_service.relay.timing import Clock, RelayTiming

log = structlog.get_logger()


class SinkState(StrEnum):
    """What the relay believes of the sink."""

    AVAILABLE = "open"
    UNAVAILABLE = "waiting"
    """It takes nothing for now; one probe at a time finds out when it does again."""
    PAUSED = "paused"
    """It answers as if it were no sink, or not for us; likewise, but seldom."""


class CircuitBreaker:
    """The sink's state, by this process's monotonic clock."""

    def __init__(self, timing: RelayTiming, clock: Clock = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        self.state = SinkState.AVAILABLE
        self.successes = 0
        self._delay = 0.0
        self._since = 0.0
        self._next_probe = 0.0

    def allows(self, in_flight: int) -> bool:
        """Whether one more sending may start while so many are under way."""
        if self.state is SinkState.AVAILABLE:
            return True
        return in_flight == 0 and self._clock() >= self._next_probe

    @property
    def next_probe_in(self) -> float:
        """Seconds until the next probe; infinite where there is none to be made."""
        if self.state is SinkState.AVAILABLE:
            return float("inf")
        return max(0.0, self._next_probe - self._clock())

    def record_success(self) -> bool:
        """The sink has acknowledged something. True where it had not for a while."""
        self.successes += 1
        if self.state is SinkState.AVAILABLE:
            return False
        log.info("the sink is back", seconds=round(self._clock() - self._since, 1))
        self.state, self._delay = SinkState.AVAILABLE, 0.0
        return True

    def trip(self, began: float, reason: str, retry_after: float | None) -> None:
        """The sink takes nothing, as a sending that began at `began` found."""
        if self._is_known(began):
            return
        timing = self._timing
        shortest, longest = timing.shortest_probe_seconds, timing.longest_probe_seconds
        self._delay = min(longest, max(shortest, 2 * self._delay))
        # Relays of many services are not to come back in step.
        delay = self._delay * random.uniform(0.8, 1.0)  # noqa: S311
        if retry_after is not None:
            delay = min(max(retry_after, shortest), timing.longest_retry_after_seconds)
        self._enter(SinkState.UNAVAILABLE, delay, reason)

    def pause(self, began: float, reason: str) -> None:
        """The sink answers what no sink answers, as a sending that began at `began` found."""
        if not self._is_known(began):
            self._enter(SinkState.PAUSED, self._timing.paused_probe_seconds, reason)

    def _is_known(self, began: float) -> bool:
        """Whether it tells nothing new: it began before the state did."""
        return self.state is not SinkState.AVAILABLE and began < self._since

    def _enter(self, state: SinkState, delay: float, reason: str) -> None:
        if self.state is not state:
            level = log.error if state is SinkState.PAUSED else log.warning
            level(f"the sink is {state}", reason=reason)
            self.state, self._since = state, self._clock()
        self._next_probe = self._clock() + delay
