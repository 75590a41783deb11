"""Walk through all records that match, by rising position, in parts: no transaction stays open."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from audit_service.log import Record
from audit_service.search.expressions import Expression, matches
from audit_service.search.find import Search
from audit_service.search.paging import Order
from audit_service.search.scan import STEP_RECORDS

PART_BYTES: Final = 1024 * 1024
PART_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Part:
    """What was written of the records that match, up to position `walked_to`."""

    written: bytes
    walked_to: int


def part(
    search: Search,
    expression: Expression,
    after: int,
    until: int,
    write: Callable[[Record], bytes],
) -> Part:
    """The next part after a position, and up to `until`: about 1 MiB, or what a quarter of a second
    finds. Raises LogUnavailable.
    """
    deadline = time.monotonic() + PART_SECONDS
    written: list[bytes] = []
    size, walked_to = 0, until
    with closing(search.steps(expression, Order.ASCENDING, after, first=STEP_RECORDS)) as steps:
        for step in steps:
            if step.position > until:
                break
            if step.record is not None and matches(step.record, expression):
                written.append(write(step.record))
                size += len(written[-1])
            if size >= PART_BYTES or time.monotonic() >= deadline:
                walked_to = step.position
                break
    return Part(b"".join(written), walked_to)
