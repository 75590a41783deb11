"""Blocks: of each event of 1,024 positions its arrival, its own time, its type and source.

Times are whole seconds since 1970; types and sources are codes of the index's values. So a
histogram needs no event.
"""

import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit_service.search.moments import Moment

OTHER: Final = 0
"""The code of every value past the most that have one."""
NO_TIME: Final = -(2**62)
"""The second of an event that says none."""

_SECONDS, _CODES = "q", "H"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - moments are in UTC, and say so nowhere
_YEAR_1: Final = -62_135_596_800
_TO_SECONDS: Final = len("0000-00-00T00:00:00")
_LEAP_SECOND: Final = "60"
_SECONDS_OF_DAY: Final = 24 * 60 * 60
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each, with an entry for each event of the block, in the order of positions."""

    arrived: Sequence[int]
    times: Sequence[int]
    types: Sequence[int]
    sources: Sequence[int]

    def packed(self) -> bytes:
        """All of them as bytes."""
        packed = b"".join(
            array(code, column).tobytes()
            for code, column in (
                (_SECONDS, self.arrived),
                (_SECONDS, self.times),
                (_CODES, self.types),
                (_CODES, self.sources),
            )
        )
        return zlib.compress(packed, 1)


@dataclass(frozen=True, slots=True)
class Block:
    """A block: seconds of arrivals, and of the events' own times, None where none says one.

    `all_timed`: all of its events say one.
    """

    number: int
    arrived_from: int
    arrived_to: int
    time_from: int | None
    time_to: int | None
    all_timed: bool


def unpacked(packed: bytes) -> Columns:
    """The columns that were packed so."""
    data = memoryview(zlib.decompress(packed))
    count = len(data) // (2 * (array(_SECONDS).itemsize + array(_CODES).itemsize))
    columns: list[Sequence[int]] = []
    for code in (_SECONDS, _SECONDS, _CODES, _CODES):
        column = array(code)
        end = count * column.itemsize
        column.frombytes(data[:end])
        data = data[end:]
        columns.append(column)
    return Columns(*columns)


def second_of(moment: Moment) -> int:
    """Seconds since 1970 of a moment, rounded down: never more for an earlier one."""
    text = moment[0][:_TO_SECONDS]
    if text.endswith(_LEAP_SECOND):
        text = text.removesuffix(_LEAP_SECOND) + "59"
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except ValueError:
        # Of the year 0, which RFC 3339 has, and few others.
        return _YEAR_1
    return since.days * _SECONDS_OF_DAY + since.seconds


def second_of_arrival(microseconds: int) -> int:
    """Seconds since 1970, rounded down."""
    return microseconds // _MICROSECONDS
