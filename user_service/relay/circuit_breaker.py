"""How fast the relay may send: as fast as it can, or probing a sink that takes nothing."""

import random
import time
from enum import StrEnum

import structlog

SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 5.0
LONGEST_RETRY_AFTER = 3600.0

log = structlog.get_logger()


class Sink(StrEnum):
    """What the relay believes of the sink."""

    OPEN = "open"
    WAITING = "waiting"
    """It takes nothing for now; one probe at a time finds out when it does again."""
    PAUSED = "paused"
    """It answers as if it were no sink, or not for us; likewise, but seldom."""


class Pace:
    """The sink's state, by this process's monotonic clock."""

    def __init__(self, *, pause_seconds: float) -> None:
        self.sink = Sink.OPEN
        self.successes = 0
        self._pause_seconds = pause_seconds
        self._delay = 0.0
        self._since = 0.0
        self._next_probe = 0.0

    def allows(self, under_way: int) -> bool:
        """Whether one more sending may start while so many are under way."""
        if self.sink is Sink.OPEN:
            return True
        return under_way == 0 and time.monotonic() >= self._next_probe

    @property
    def probe_in(self) -> float:
        """Seconds until the next probe; infinite where there is none to be made."""
        if self.sink is Sink.OPEN:
            return float("inf")
        return max(0.0, self._next_probe - time.monotonic())

    def succeeded(self) -> bool:
        """The sink has acknowledged something. True where it had not for a while."""
        self.successes += 1
        if self.sink is Sink.OPEN:
            return False
        log.info("the sink is back", seconds=round(time.monotonic() - self._since, 1))
        self.sink, self._delay = Sink.OPEN, 0.0
        return True

    def wait(self, began: float, reason: str, retry_after: float | None) -> None:
        """The sink takes nothing, as a sending that began at `began` found."""
        if self._is_known(began):
            return
        self._delay = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, 2 * self._delay))
        # Relays of many services are not to come back in step.
        delay = self._delay * random.uniform(0.8, 1.0)  # noqa: S311
        if retry_after is not None:
            delay = min(max(retry_after, SHORTEST_SECONDS), LONGEST_RETRY_AFTER)
        self._enter(Sink.WAITING, delay, reason)

    def pause(self, began: float, reason: str) -> None:
        """The sink answers what no sink answers, as a sending that began at `began` found."""
        if not self._is_known(began):
            self._enter(Sink.PAUSED, self._pause_seconds, reason)

    def _is_known(self, began: float) -> bool:
        """Whether it tells nothing new: it began before the state did."""
        return self.sink is not Sink.OPEN and began < self._since

    def _enter(self, sink: Sink, delay: float, reason: str) -> None:
        if self.sink is not sink:
            level = log.error if sink is Sink.PAUSED else log.warning
            level(f"the sink is {sink}", reason=reason)
            self.sink, self._since = sink, time.monotonic()
        self._next_probe = time.monotonic() + delay
