"""Admission: the bound on requests of a worker that wait for others (a sink, a turn to hash)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Busy(Exception):
    """As many requests as may wait do so already."""


class Admission:
    """Keeps a quarter of a worker's threads free, so that whatever the sink does, reads and
    health are answered.
    """

    def __init__(self, threads: int) -> None:
        self.places = threads - max(1, threads // 4)
        self._places = threading.BoundedSemaphore(self.places)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place. Raises Busy at once where there is none."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._places.release()
