"""Burial limits: when an event that would be a dead letter pauses the relay instead.

A sink that refuses everything is misconfigured, and dead letters that nobody looks after are lost
events: in both cases an operator has to act first.
"""

import math
import time

from user_service.relay.circuit_breaker import PauseCause
from user_service.relay.timing import Clock, RelayTiming


class BurialLimits:
    """Counts of dead letters. Owned by the dispatcher thread."""

    def __init__(self, timing: RelayTiming, clock: Clock = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        # In the outbox, at most: an operator may have dropped some since.
        self._dead_letters = 0
        self._refused_in_a_row = 0
        # By `_clock`; 0.0 for at once.
        self._next_count = 0.0

    @property
    def exceeded(self) -> PauseCause | None:
        """Why no event may become a dead letter now; None while one may."""
        return self.all_refused or (PauseCause.DEAD_LETTERS if self.is_full else None)

    @property
    def all_refused(self) -> PauseCause | None:
        """The cause where so many were refused in a row that the sink is to blame; else None."""
        in_a_row = self._refused_in_a_row >= self._timing.refused_in_a_row
        return PauseCause.ALL_REFUSED if in_a_row else None

    @property
    def is_full(self) -> bool:
        """Whether there are as many dead letters as may be."""
        return self._dead_letters >= self._timing.dead_letters_max

    @property
    def count_in(self) -> float:
        """Seconds until the dead letters are to be counted; infinite while that decides nothing."""
        return self._next_count - self._clock() if self.is_full else math.inf

    def counted(self, dead_letters: int) -> None:
        """There are so many, those included that are not written yet."""
        self._dead_letters = dead_letters
        self._next_count = self._clock() + self._timing.count_seconds

    def buried(self, *, refused: bool) -> None:
        """An event became a dead letter; `refused`: by the sink at once."""
        self._dead_letters += 1
        self._next_count = 0.0
        self._refused_in_a_row += refused

    def delivered(self) -> None:
        """The sink has accepted something."""
        self._refused_in_a_row = 0
