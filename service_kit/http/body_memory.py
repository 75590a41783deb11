"""Memory of the bodies that a process reads at once: bounded in bytes, and refused past it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service_kit import json_values

SMALL_BYTES: Final = 64 * 1024
"""A body up to this is always read: the server bounds the bytes that it holds of them."""
READING: Final = 2
"""Bytes for each byte of a body, while it is read: its parts, and they in one piece."""
PARSING: Final = 6
"""Bytes for each byte of it, once it is parsed: body, text, where a character may have four
bytes, and what is made of it.
"""
VALUE_BYTES: Final = 256
"""Bytes for each member or item of it while it is parsed: 20 to 250, as was measured."""
OBJECT_BYTES: Final = 512
"""Bytes for each object that was made of it, and is kept, beside PARSING: 100 to 470, as was
measured.
"""


class BodyMemoryExhausted(Exception):
    """The bodies that are read at once have as much memory as they may."""


class BodyMemory:
    """Memory for bodies, in bytes. Safe for any number of threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held = 0  # guarded by _lock

    @property
    def held(self) -> int:
        """Bytes that are reserved."""
        return self._held

    @contextmanager
    def reservation(self) -> Iterator["Reservation"]:
        """A reservation of nothing yet, which ends with the block."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self.change(reservation.size, 0)

    def change(self, before: int, after: int) -> None:
        """Have a reservation go from one size to another.

        MUST refuse before the memory is used, not after. A reservation beside which there is no
        other is granted whatever its size, or a body that is within its limit might never be read.
        Raises BodyMemoryExhausted, and leaves it as it was.
        """
        with self._lock:
            others = self._held - before
            if others and after > before and others + after > self._limit:
                raise BodyMemoryExhausted
            self._held = others + after


class Reservation:
    """Memory for the body of one request. Owned by its thread; shrinks once it was parsed."""

    def __init__(self, memory: BodyMemory) -> None:
        self._memory = memory
        self.size = 0

    def for_reading(self, length: int) -> None:
        """Reserve what reading so many bytes takes. Raises BodyMemoryExhausted."""
        if length > SMALL_BYTES:
            self._grow(READING * length)

    def for_parsing(self, body: bytes, max_values: int) -> None:
        """Reserve what parsing takes, of so many values at most. Raises BodyMemoryExhausted."""
        if len(body) > SMALL_BYTES:
            values = min(json_values.at_most(body), max_values)
            self._grow(PARSING * len(body) + VALUE_BYTES * values)

    def for_keeping(self, body: bytes, objects: int) -> None:
        """Reserve what so many objects that were made of it take, and give back the rest.

        Many wait for their commit at once, and one is parsed: they need not all have what parsing
        takes.
        """
        kept = PARSING * len(body) + OBJECT_BYTES * objects
        if kept < self.size:
            self._memory.change(self.size, kept)
            self.size = kept

    def _grow(self, size: int) -> None:
        if size > self.size:
            self._memory.change(self.size, size)
            self.size = size
