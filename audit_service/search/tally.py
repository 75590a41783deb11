"""Tally: how many records match, by bucket of time and by value, while it is being made.

Its buckets are as short as they may be, and grow longer with the time that the records span.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from audit_service.search.buckets import MOST_BUCKETS, Asked

Counts = Counter[tuple[int, str | None]]
"""By the first second of a bucket, since 1970, and by value."""


class Tally:
    """Counts of what was found so far. Every method that counts raises TooManyBuckets."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._bounds: tuple[int, int] | None = None
        self.bucket = asked.bucket_for(())
        self.counts: Counts = Counter()

    def widen(self, first: int, last: int) -> None:
        """Have the buckets be for seconds from `first` to `last`, too: MUST be before `add`."""
        if self._bounds is not None:
            first, last = min(first, self._bounds[0]), max(last, self._bounds[1])
            if (first, last) == self._bounds:
                return
        self._bounds = first, last
        bucket = self._asked.bucket_for((first, last))
        if bucket is not self.bucket:
            self.bucket, before = bucket, self.counts
            self.counts = Counter()
            self._add(before.items())

    def add(self, second: int, value: str | None, number: int) -> None:
        """Count so many records."""
        self.counts[self.bucket.start(second), value] += number

    def add_all(self, found: Collection[tuple[tuple[int, str | None], int]]) -> None:
        """Count seconds and values, and how often each was found."""
        if found:
            seconds = [second for (second, _), _ in found]
            self.widen(min(seconds), max(seconds))
            self._add(found)

    def _add(self, found: Iterable[tuple[tuple[int, str | None], int]]) -> None:
        counts, length = self.counts, self.bucket.seconds
        for (second, value), number in found:
            counts[second - second % length, value] += number

    def starts(self) -> range:
        """The first seconds of all buckets, of the last ones where there are too many."""
        bounds = self._asked.first_and_last(self._bounds or ())
        if bounds is None:
            return range(0)
        first, last = map(self.bucket.start, bounds)
        first = max(first, last - (MOST_BUCKETS - 1) * self.bucket.seconds)
        return range(first, last + 1, self.bucket.seconds)
