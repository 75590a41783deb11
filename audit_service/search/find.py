"""Search of a log: the records that match, by its index and, past that, by scans."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TypeVar

from audit_service.log import Backend, Record
from audit_service.search.expressions import Expression, matches
from audit_service.search.index.faults import IndexUnusable
from audit_service.search.index.reader import SearchIndex
from audit_service.search.index.view import IndexView
from audit_service.search.paging import Budget, Found, Meter, Order, Step, written_bytes
from audit_service.search.plan import Plan
from audit_service.search.scan import scan

R = TypeVar("R")


class Search:
    """Searches of a log. An event that is in the log is found by the next of them, however far
    behind its index is.
    """

    def __init__(self, log: Backend, index: SearchIndex | None = None) -> None:
        """Without an index it scans."""
        self.log = log
        self.index = index

    def indexed(self, use: Callable[[IndexView], R]) -> R | None:
        """What is made of the index as it is now; None where it cannot be used."""
        if self.index is None:
            return None
        try:
            with self.index.view() as view:
                return None if view is None else use(view)
        except IndexUnusable as error:
            self.index.give_up(error)
            return None

    def find(
        self,
        expression: Expression,
        order: Order,
        start: int | None,
        *,
        limit: int,
        budget: Budget,
    ) -> Found:
        """At most `limit` matching records beyond position `start`, from the first where it is
        None. Raises LogUnavailable.
        """
        with closing(self.steps(expression, order, start, first=limit)) as steps:
            return _collected(steps, expression, start, limit, budget)

    def steps(
        self, expression: Expression, order: Order, start: int | None, *, first: int
    ) -> Generator[Step]:
        """Steps through all records beyond `start` that may match, in order.

        `first`: how many are read at first.
        """
        if self.index is None:
            yield from scan(self.log, order, start, first)
            return
        reached = start
        try:
            with self.index.view() as view:
                for step in self._steps(view, expression, order, start, first):
                    reached = step.position
                    yield step
        except IndexUnusable as error:
            self.index.give_up(error)
            yield from scan(self.log, order, reached, first)

    def _steps(
        self,
        view: IndexView | None,
        expression: Expression,
        order: Order,
        start: int | None,
        first: int,
    ) -> Iterator[Step]:
        if view is None:
            return scan(self.log, order, start, first)
        return _indexed(Plan.of(self.log, view, expression), order, start, first)


def _collected(
    steps: Iterator[Step], expression: Expression, start: int | None, limit: int, budget: Budget
) -> Found:
    meter = Meter(budget)
    found: list[Record] = []
    scanned_to, size = start or 0, 0
    for step in steps:
        if step.record is not None:
            meter.looked_at(1)
            if matches(step.record, expression):
                size += written_bytes(step.record)
                if found and size > budget.page_bytes:
                    return Found(tuple(found), scanned_to, more=True)
                found.append(step.record)
        scanned_to = step.position
        if meter.is_spent or len(found) == limit:
            return Found(tuple(found), scanned_to, more=not step.is_last)
    return Found(tuple(found), scanned_to, more=False)


def _indexed(plan: Plan, order: Order, start: int | None, first: int) -> Iterator[Step]:
    """Steps by the index, and past it by a scan."""
    mark = plan.view.position
    if not plan.proposal.is_bounded:
        yield from scan(plan.log, order, start, first)
    elif order is Order.DESCENDING:
        if start is None or start > mark + 1:
            yield from scan(plan.log, order, start, first, mark)
            start = mark + 1
        yield from _proposed(plan, 1, start - 1, first, falling=True)
    else:
        yield from _proposed(plan, (start or 0) + 1, mark, first, falling=False)
        yield from scan(plan.log, order, max(start or 0, mark), first)


def _proposed(plan: Plan, low: int, high: int, first: int, *, falling: bool) -> Iterator[Step]:
    """Steps through what the index proposes from `low` to `high`."""
    for within in plan.ranges(low, high, falling=falling):
        for record in plan.records(within, falling=falling, first=first):
            yield Step(record.position, record)
        yield Step(within.low if falling else within.high)
    if low <= high:
        yield Step(low if falling else high, is_last=falling)
