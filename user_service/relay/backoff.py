"""Backoff: when events that failed by themselves are tried again."""

import heapq
import time
from collections.abc import Sequence

from user_service.relay.timing import Clock, RelayTiming


class Backoff:
    """The ids of events that back off. Owned by the dispatcher thread."""

    def __init__(self, timing: RelayTiming, clock: Clock = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        # A heap of moments, by `_clock`, with the event's id.
        self._due: list[tuple[float, int]] = []

    def next_backoff(self, seconds: float) -> float:
        """The seconds that follow a backoff of so many, 0 for none."""
        longest = self._timing.longest_backoff_seconds
        return min(longest, max(self._timing.shortest_backoff_seconds, 2 * seconds))

    def add(self, event_id: int, seconds: float) -> None:
        """The event is due in so many seconds."""
        heapq.heappush(self._due, (self._clock() + seconds, event_id))

    @property
    def due_in(self) -> float:
        """Seconds until the next event is due; infinite where there is none."""
        return max(0.0, self._due[0][0] - self._clock()) if self._due else float("inf")

    def take_due(self, most: int) -> Sequence[int]:
        """Remove the events that are due, at most so many, and return them."""
        taken: list[int] = []
        while self._due and self._due[0][0] <= self._clock() and len(taken) < most:
            taken.append(heapq.heappop(self._due)[1])
        return taken

    def make_all_due(self) -> None:
        """Make all events due now."""
        self._due = [(0.0, event_id) for _, event_id in self._due]
        heapq.heapify(self._due)
