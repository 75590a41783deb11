"""Histogram of the records that match: how many in each bucket of time, by type or source."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from audit_service.log import Backend
from audit_service.search.buckets import Asked, Bucket
from audit_service.search.expressions import matches
from audit_service.search.find import Search
from audit_service.search.index.blocks import NO_TIME
from audit_service.search.index.value_counts import OTHER_CODE
from audit_service.search.index.view import IndexView
from audit_service.search.index_tally import tally_index
from audit_service.search.paging import Budget, Meter, Order
from audit_service.search.plan import Plan
from audit_service.search.scan import STEP_RECORDS, scan
from audit_service.search.tally import Counts, Tally

MOST_VALUES: Final = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by the first second of a bucket, since 1970, and by value: of every bucket and every
    one of the largest values, with None for all others.

    `is_complete`: the budget sufficed to count all, and the buckets to show them.
    """

    bucket: Bucket
    counts: Mapping[tuple[int, str | None], int]
    is_complete: bool


def histogram(search: Search, asked: Asked, budget: Budget) -> Histogram:
    """The histogram of what is asked. Raises LogUnavailable, TooManyBuckets."""
    meter = Meter(budget)

    def by_index(view: IndexView) -> Histogram:
        tally = Tally(asked)
        known = _known(view, asked)
        _tally_scan(tally, search.log, asked, meter, stop=view.position, known=known)
        tally_index(tally, Plan.of(search.log, view, asked.expression), asked, meter)
        return _histogram(asked, tally, is_complete=not meter.is_spent)

    return search.indexed(by_index) or _by_scan(search.log, asked, meter)


def _by_scan(log: Backend, asked: Asked, meter: Meter) -> Histogram:
    tally = Tally(asked)
    _tally_scan(tally, log, asked, meter)
    return _histogram(asked, tally, is_complete=not meter.is_spent)


def _known(view: IndexView, asked: Asked) -> frozenset[str] | None:
    """The values that the index tells apart, where there are others; None where it does all."""
    values = [] if asked.group is None else view.values(asked.group)
    names = frozenset(value.name for value in values if value.code != OTHER_CODE)
    return names if len(names) < len(values) else None


def _tally_scan(
    tally: Tally,
    log: Backend,
    asked: Asked,
    meter: Meter,
    *,
    stop: int = 0,
    known: frozenset[str] | None = None,
) -> None:
    """Add what matches, from the newest record down to the one after `stop`; values that are not
    `known`, if that is said, as all others.
    """
    found: Counts = Counter()
    for step in scan(log, Order.DESCENDING, None, STEP_RECORDS, stop):
        meter.looked_at(1)
        if step.record is not None and matches(step.record, asked.expression):
            second = asked.second_of(step.record)
            if second != NO_TIME:
                value = asked.value_of(step.record)
                found[second, value if known is None or value in known else None] += 1
        if meter.is_spent:
            break
    tally.add_all(found.items())


def _histogram(asked: Asked, tally: Tally, *, is_complete: bool) -> Histogram:
    """The tally as every bucket from the first to the last, and the largest values."""
    totals: Counter[str | None] = Counter()
    for (_, value), number in tally.counts.items():
        if value is not None:
            totals[value] += number
    largest = [value for value, _ in totals.most_common(MOST_VALUES)]
    has_others = asked.group is None or any(value not in largest for _, value in tally.counts)
    shown = [*largest, *([None] if has_others else [])]
    counts = {(start, value): 0 for start in tally.starts() for value in shown}
    for (start, value), number in tally.counts.items():
        key = start, value if value in largest else None
        if key in counts:
            counts[key] += number
        else:
            # Of a bucket before those that are shown.
            is_complete = False
    return Histogram(tally.bucket, counts, is_complete)
