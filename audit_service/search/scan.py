"""Scan of the log: its records in an order, of which those are found that match.

It works through a budget: what it looked at and did not is said, so that it can go on from there.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from audit_service.log import Backend, Record
from audit_service.search.expressions import Expression, matches

STEP_RECORDS: Final = 500


class Order(Enum):
    """The order of positions."""

    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most records and seconds of a scan, and the most bytes of written JSON that it finds.

    It looks at one record in any case.
    """

    records: int = 100_000
    seconds: float = 2.0
    page_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """Records that match, in their order. `scanned_to`: the last position that was looked at, where
    none was the start, or 0; `more`: whether there are others after it.
    """

    records: tuple[Record, ...]
    scanned_to: int
    more: bool


def scan(
    backend: Backend,
    expression: Expression,
    order: Order,
    start: int | None,
    *,
    limit: int,
    budget: Budget,
) -> Found:
    """At most `limit` matching records beyond position `start`, from the first where it is None.

    Raises LogUnavailable.
    """
    deadline = time.monotonic() + budget.seconds
    found: list[Record] = []
    scanned_to, size = start or 0, 0
    records = _records(backend, order, start, limit, budget.page_bytes)
    for looked_at, (record, record_bytes, is_last) in enumerate(records, 1):
        if matches(record, expression):
            size += record_bytes
            if found and size > budget.page_bytes:
                return Found(tuple(found), scanned_to, more=True)
            found.append(record)
        scanned_to = record.position
        is_spent = looked_at >= budget.records or time.monotonic() >= deadline
        if is_spent or len(found) == limit:
            return Found(tuple(found), scanned_to, more=not is_last)
    return Found(tuple(found), scanned_to, more=False)


def _records(
    backend: Backend, order: Order, start: int | None, first: int, page_bytes: int
) -> Iterator[tuple[Record, int, bool]]:
    """Records of the log, the bytes that each takes as written JSON, and whether it is the last.

    It reads as many as are wanted at first, which is enough where all of them match.
    """
    read = backend.newest if order is Order.DESCENDING else backend.oldest
    wanted, more = first, True
    while more:
        page = read(start, wanted, page_bytes)
        sized = zip(page.records, page.sizes, strict=True)
        for left, (record, size) in enumerate(sized, 1 - len(page.records)):
            yield record, size, left == 0 and not page.more
            start = record.position
        wanted, more = STEP_RECORDS, page.more
