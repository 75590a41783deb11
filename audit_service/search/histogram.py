"""Histogram of the records that match: how many in each bucket of time, by type or source."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from audit_service.search.buckets import MOST_BUCKETS, Asked, Bucket
from audit_service.search.expressions import matches
from audit_service.search.find import Search
from audit_service.search.index.blocks import NO_TIME
from audit_service.search.index.view import IndexView
from audit_service.search.paging import Budget, Meter, Order
from audit_service.search.plan import Plan
from audit_service.search.scan import STEP_RECORDS, scan
from audit_service.search.tally import Tally, block_edges, tally_of_index

MOST_VALUES: Final = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by the first second of a bucket, since 1970, and by value: of every bucket and every
    one of the largest values, with None for all others.

    `is_complete`: the budget sufficed to count all.
    """

    bucket: Bucket
    counts: Mapping[tuple[int, str | None], int]
    is_complete: bool


def histogram(search: Search, asked: Asked, budget: Budget) -> Histogram:
    """The histogram of what is asked. Raises LogUnavailable, TooManyBuckets."""
    meter = Meter(budget)

    def by_index(view: IndexView) -> Histogram:
        return _indexed(Plan.of(search.log, view, asked.expression), asked, meter)

    return search.indexed(by_index) or _by_scan(search, asked, meter)


def _by_scan(search: Search, asked: Asked, meter: Meter) -> Histogram:
    tally = _scanned(search, asked, meter, 0)
    bucket = asked.bucket_for(second for second, _ in tally)
    return _histogram(asked, bucket, tally, is_complete=not meter.is_spent)


def _indexed(plan: Plan, asked: Asked, meter: Meter) -> Histogram:
    tally = _scanned(Search(plan.log), asked, meter, plan.view.position)
    edges = block_edges(plan, asked.clock)
    bucket = asked.bucket_for([*edges, *(second for second, _ in tally)])
    tally.update(tally_of_index(plan, asked, bucket, meter))
    return _histogram(asked, bucket, tally, is_complete=not meter.is_spent)


def _scanned(search: Search, asked: Asked, meter: Meter, stop: int) -> Tally:
    """By second, from the newest record down to the one after `stop`."""
    tally: Tally = Counter()
    for step in scan(search.log, Order.DESCENDING, None, STEP_RECORDS, stop):
        meter.looked_at(1)
        if step.record is not None and matches(step.record, asked.expression):
            second = asked.second_of(step.record)
            if second != NO_TIME:
                tally[second, asked.value_of(step.record)] += 1
        if meter.is_spent:
            break
    return tally


def _histogram(asked: Asked, bucket: Bucket, tally: Tally, *, is_complete: bool) -> Histogram:
    """The tally by buckets: all of them from the first to the last, and the largest values."""
    totals: Counter[str | None] = Counter()
    for (_, value), number in tally.items():
        if value is not None:
            totals[value] += number
    largest = [value for value, _ in totals.most_common(MOST_VALUES)]
    has_others = asked.group is None or any(value not in largest for _, value in tally)
    shown = [*largest, *([None] if has_others else [])]
    counts = {(start, value): 0 for start in _starts(asked, bucket, tally) for value in shown}
    for (second, value), number in tally.items():
        key = bucket.start(second), value if value in largest else None
        if key in counts:
            counts[key] += number
    return Histogram(bucket, counts, is_complete)


def _starts(asked: Asked, bucket: Bucket, tally: Tally) -> range:
    """The first seconds of all buckets, of the last ones where there are too many."""
    bounds = asked.first_and_last(second for second, _ in tally)
    if bounds is None:
        return range(0)
    first, last = map(bucket.start, bounds)
    first = max(first, last - (MOST_BUCKETS - 1) * bucket.seconds)
    return range(first, last + 1, bucket.seconds)
