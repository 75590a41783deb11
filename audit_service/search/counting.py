"""Counts of all records that match: by the index where it is exact, else by looking at each."""

from collections.abc import Iterator
from dataclasses import dataclass

from audit_service.log import Backend
from audit_service.search.expressions import Expression, matches
from audit_service.search.find import Search
from audit_service.search.index.view import IndexView
from audit_service.search.paging import Budget, Meter, Order
from audit_service.search.plan import Plan
from audit_service.search.scan import STEP_RECORDS, scan


@dataclass(frozen=True, slots=True)
class Count:
    """How many match; `is_complete`: there are no others, which the budget did not suffice for."""

    matches: int
    is_complete: bool


def count(search: Search, expression: Expression, budget: Budget) -> Count:
    """How many records match. Raises LogUnavailable."""
    meter = Meter(budget)

    def by_index(view: IndexView) -> Count:
        return _counted(_indexed(Plan.of(search.log, view, expression), meter), meter)

    counted = search.indexed(by_index)
    return counted or _counted(_scanned(search.log, expression, meter, 0), meter)


def _counted(parts: Iterator[int], meter: Meter) -> Count:
    found = 0
    for part in parts:
        found += part
        if meter.is_spent:
            return Count(found, is_complete=False)
    return Count(found, is_complete=True)


def _scanned(log: Backend, expression: Expression, meter: Meter, stop: int) -> Iterator[int]:
    for step in scan(log, Order.DESCENDING, None, STEP_RECORDS, stop):
        meter.looked_at(1)
        yield step.record is not None and matches(step.record, expression)


def _indexed(plan: Plan, meter: Meter) -> Iterator[int]:
    yield from _scanned(plan.log, plan.expression, meter, plan.view.position)
    for within in plan.ranges(1, plan.view.position, falling=True):
        yield plan.count(within, meter)
