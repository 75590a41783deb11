"""Buckets of time: their lengths, and what a histogram of them is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from audit_service.log import Record
from audit_service.search.expressions import Clock, Expression
from audit_service.search.index.blocks import NO_TIME, second_of, second_of_arrival
from audit_service.search.index.value_counts import LONGEST, ValueKind
from audit_service.search.moments import moment

MOST_BUCKETS: Final = 500


class Bucket(StrEnum):
    """The length of a bucket."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """The same in seconds."""
        return _SECONDS[self]

    def start(self, second: int) -> int:
        """The first second of the bucket that a second is in."""
        return second - second % self.seconds


_SECONDS: Final = {
    Bucket.SECOND: 1,
    Bucket.MINUTE: 60,
    Bucket.HOUR: 60 * 60,
    Bucket.DAY: 24 * 60 * 60,
}


class TooManyBuckets(Exception):
    """The period has more buckets of that length than MOST_BUCKETS."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a histogram is of. `since`, `until`: seconds since 1970, None where there is no bound;
    `bucket` None: as it fits; `group` None: values are not told apart.
    """

    expression: Expression
    clock: Clock
    since: int | None
    until: int | None
    bucket: Bucket | None
    group: ValueKind | None

    def second_of(self, record: Record) -> int:
        """The second at which a record counts; NO_TIME where it says none."""
        if self.clock is Clock.ARRIVAL:
            return second_of_arrival(record.received_at)
        time = record.event.attributes.get("time")
        return NO_TIME if time is None else second_of(moment(str(time)))

    def value_of(self, record: Record) -> str | None:
        """The value by which it is told apart; None for one among all others."""
        value = None if self.group is None else str(record.event.attributes[self.group])
        return None if value is None or len(value) > LONGEST else value

    def first_and_last(self, seconds: Iterable[int]) -> tuple[int, int] | None:
        """The first and the last second that are shown, where `seconds` are those that there are;
        None where there are none, and no bounds.
        """
        found = list(seconds)
        first = found if self.since is None else [self.since]
        last = found if self.until is None else [self.until - 1]
        return (min(first), max(last)) if first and last else None

    def bucket_for(self, seconds: Iterable[int]) -> Bucket:
        """The length of a bucket: the shortest of which there are not too many, if there is one.

        Raises TooManyBuckets where another is asked for.
        """
        first, last = self.first_and_last(seconds) or (0, 0)
        for bucket in Bucket if self.bucket is None else (self.bucket,):
            if last // bucket.seconds - first // bucket.seconds < MOST_BUCKETS:
                return bucket
        if self.bucket is not None:
            raise TooManyBuckets
        return Bucket.DAY
