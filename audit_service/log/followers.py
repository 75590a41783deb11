"""Followers: what goes through a log behind its end, in turns, in one thread."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from audit_service.log.backend import LogUnavailable

log = structlog.get_logger()

POLL_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 1.0


class Follower(Protocol):
    """What adds the records of a log to something of its own."""

    def step(self) -> int:
        """Add what follows, some thousand events at most; how many it was.

        Raises LogUnavailable.
        """
        ...


class PatientFollower:
    """A follower that tries again while the log, or what it writes to, cannot be used."""

    def __init__(
        self,
        follower: Follower,
        complaint: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`complaint`: the line that says so, once."""
        self._follower = follower
        self._complaint = complaint
        self._clock = clock
        self._is_available = True
        self._retry_at = float("-inf")

    def step(self) -> int:
        """The same; 0 while it cannot be used."""
        if self._clock() < self._retry_at:
            return 0
        try:
            added = self._follower.step()
        except LogUnavailable as error:
            if self._is_available:
                log.warning(self._complaint, reason=str(error))
            self._is_available = False
            self._retry_at = self._clock() + RETRY_SECONDS
            return 0
        self._is_available = True
        return added


def follow(followers: Sequence[Follower], stop: threading.Event) -> None:
    """Let each add what comes, until the event is set: none waits for another for long."""
    while not stop.is_set():
        if not sum([each.step() for each in followers]):
            stop.wait(POLL_SECONDS)
