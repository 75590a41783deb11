"""Hashing places: as many as the machine has cores, shared by all processes of a service."""

import fcntl
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

POLL_SECONDS = 0.002


class HashingBusy(Exception):
    """Too many passwords wait to be hashed for this one to be hashed in time."""


class HashingPlaces:
    """Places, each the lock of a byte of a file without a name.

    It MUST be made before the processes that share it are forked. The system unlocks what a
    process had locked when it ends, so one that is killed leaves its places free.
    """

    def __init__(self, number: int | None = None) -> None:
        """`number`: of the cores where none is given."""
        self.number = number or os.cpu_count() or 1
        self._file = _nameless_file()
        weakref.finalize(self, os.close, self._file)
        # The system locks for a process: its threads need locks of their own, one for a place.
        self._threads = [threading.Lock() for _ in range(self.number)]
        self._gate = threading.Lock()

    @contextmanager
    def occupied(self, deadline: float) -> Iterator[None]:
        """Occupy a place during the block.

        Raises HashingBusy where none was free by `deadline` (monotonic, seconds), and later where
        a process is stopped that was about to have one.
        """
        place = self._wait(deadline)
        try:
            yield
        finally:
            self._unlock(place)
            self._threads[place].release()

    def _wait(self, deadline: float) -> int:
        # Who is in the gate has the next place, or a process that hashes on and on would take it.
        with self._gate:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, self.number)
            try:
                while time.monotonic() <= deadline:
                    if (place := self._free_place()) is not None:
                        return place
                    time.sleep(POLL_SECONDS)
            finally:
                self._unlock(self.number)
        raise HashingBusy

    def _free_place(self) -> int | None:
        for place, lock in enumerate(self._threads):
            if lock.acquire(blocking=False):
                try:
                    fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                except OSError:
                    lock.release()
                else:
                    return place
        return None

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)


def _nameless_file() -> int:
    """Its descriptor. In memory where the system can do that: a full disk must not matter."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("hashing")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
