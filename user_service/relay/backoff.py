"""When the events that back off are tried again, by this process's monotonic clock."""

import heapq
import time
from collections.abc import Sequence

SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 300.0


def next_backoff(seconds: float) -> float:
    """The backoff that follows one of so many seconds, 0 for none."""
    return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, 2 * seconds))


class Backoff:
    """Ids of events, each with the moment at which it is due."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int]] = []

    def add(self, event_id: int, seconds: float) -> None:
        """It is due so many seconds from now."""
        heapq.heappush(self._due, (time.monotonic() + seconds, event_id))

    @property
    def due_in(self) -> float:
        """Seconds until the next one is due; infinite where there is none."""
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else float("inf")

    def take_due(self, most: int) -> Sequence[int]:
        """Those that are due, at most so many; they are no longer in it."""
        taken: list[int] = []
        while self._due and self._due[0][0] <= time.monotonic() and len(taken) < most:
            taken.append(heapq.heappop(self._due)[1])
        return taken

    def make_all_due(self) -> None:
        """All are due now."""
        self._due = [(0.0, event_id) for _, event_id in self._due]
        heapq.heapify(self._due)
