"""Admission: the bound on requests of a worker that wait for others (a sink, a turn to hash)."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Busy(Exception):
    """As many requests as may be under way are, and none ended in time."""


class Admission:
    """Bound that keeps a quarter of `threads` free: whatever the sink does, reads and health are
    answered. Connections land on workers unevenly, so further requests wait a while in threads
    beside those, rather than be refused while another worker is idle.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        """`waiting`: the most that wait; there MUST be threads for them beside `threads`."""
        self.places = threads - max(1, threads // 4)
        self._places = threading.BoundedSemaphore(self.places)
        self._waiting = threading.BoundedSemaphore(waiting)

    @contextmanager
    def admitted(self, deadline: float) -> Iterator[None]:
        """Occupy a place during the block.

        Raises Busy where none was free by `deadline` (monotonic, seconds), or too many wait.
        """
        if not self._places.acquire(blocking=False):
            self._wait(deadline)
        try:
            yield
        finally:
            self._places.release()

    def _wait(self, deadline: float) -> None:
        if not self._waiting.acquire(blocking=False):
            raise Busy
        try:
            if not self._places.acquire(timeout=max(0.0, deadline - time.monotonic())):
                raise Busy
        finally:
            self._waiting.release()
