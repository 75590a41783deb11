"""Scan of the log: its records in an order, each a step."""

from collections.abc import Iterator
from typing import Final

from audit_service.log import Backend
from audit_service.search.paging import Order, Step

STEP_RECORDS: Final = 500
STEP_BYTES: Final = 4 * 1024 * 1024


def scan(
    log: Backend, order: Order, start: int | None, first: int, stop: int | None = None
) -> Iterator[Step]:
    """Every record beyond position `start`, from the first where it is None, and before `stop`.

    It reads `first` records at first, which is enough where that many are wanted and all of them
    match. Raises LogUnavailable.
    """
    read = log.newest if order is Order.DESCENDING else log.oldest
    wanted, more = first, True
    while more:
        page = read(start, wanted, STEP_BYTES)
        for left, record in enumerate(page.records, 1 - len(page.records)):
            if stop is not None and record.position <= stop:
                return
            yield Step(record.position, record, is_last=left == 0 and not page.more)
            start = record.position
        wanted, more = STEP_RECORDS, page.more
