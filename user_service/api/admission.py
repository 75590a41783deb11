"""Admission: the bound on requests of a worker that wait for others (a sink, a turn to hash)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Busy(Exception):
    """As many requests as may wait are waiting."""


class Admission:
    """Bound that keeps a quarter of a worker's threads free: whatever the sink does, reads and
    health are answered.
    """

    def __init__(self, threads: int) -> None:
        self.places = threads - max(1, threads // 4)
        self._places = threading.BoundedSemaphore(self.places)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Occupy a place during the block. Raises Busy at once where none is free."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._places.release()
