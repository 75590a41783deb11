"""Paging of a search: an order, a budget, and what was found with it."""

import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

from audit_service.events import to_json
from audit_service.log import Record

ENVELOPE_BYTES: Final = 512
"""What is written of a record beside its event, at most: position, time, origin and so on."""


class Order(Enum):
    """The order of positions."""

    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most records and seconds of a search, and the most bytes of written JSON that it finds.

    It looks at one record in any case.
    """

    records: int = 100_000
    seconds: float = 2.0
    page_bytes: int = 8 * 1024 * 1024


class Meter:
    """What is left of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._deadline = time.monotonic() + budget.seconds
        self._left = budget.records

    def looked_at(self, records: int) -> None:
        """Take so many records from it."""
        self._left -= records

    @property
    def is_spent(self) -> bool:
        """Whether there is nothing left."""
        return self._left <= 0 or time.monotonic() >= self._deadline


@dataclass(frozen=True, slots=True)
class Found:
    """Records that match, in their order. `scanned_to`: the last position that was looked at, where
    none was the start, or 0; `more`: whether there may be others after it.
    """

    records: tuple[Record, ...]
    scanned_to: int
    more: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a search: it has looked at all up to `position`; `record`: the one that is there,
    where it may match; `is_last`: there is none after it.
    """

    position: int
    record: Record | None = None
    is_last: bool = False


def written_bytes(record: Record) -> int:
    """The most bytes that it takes as written JSON."""
    return len(to_json(record.event)) + ENVELOPE_BYTES
