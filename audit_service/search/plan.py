"""Plan of a query: what its index proposes, and what of that matches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from audit_service.log import Backend, Record
from audit_service.search.expressions import Expression, matches
from audit_service.search.index.proposals import Proposal, proposal
from audit_service.search.index.view import IndexView, Range, by_segments, clipped
from audit_service.search.paging import Meter
from audit_service.search.scan import STEP_BYTES, STEP_RECORDS


@dataclass(frozen=True, slots=True)
class Plan:
    """An expression, its proposal, and the two of which it is asked."""

    log: Backend
    view: IndexView
    expression: Expression
    proposal: Proposal

    @classmethod
    def of(cls, log: Backend, view: IndexView, expression: Expression) -> "Plan":
        """The plan for an expression."""
        return cls(log, view, expression, proposal(expression, any_partial=view.any_partial))

    def ranges(self, low: int, high: int, *, falling: bool) -> Iterator[Range]:
        """The ranges from `low` to `high` in which there may be matches, each of one segment."""
        ranges = clipped(self.view.ranges(self.proposal.periods), low, high)
        return by_segments(ranges, falling=falling)

    def is_exact(self, within: Range) -> bool:
        """Whether all that is proposed of a range matches."""
        return within.is_within and self.proposal.is_exact

    def positions(self, within: Range, *, falling: bool) -> Iterator[int]:
        """What is proposed of a range."""
        return self.view.positions(self.proposal, within, falling=falling)

    def records(
        self, within: Range, *, falling: bool, first: int = STEP_RECORDS
    ) -> Iterator[Record]:
        """The same as records, of which `first` are read at first."""
        positions = self.positions(within, falling=falling)
        wanted = first
        while part := list(islice(positions, wanted)):
            yield from _records_at(self.log, part)
            wanted = STEP_RECORDS

    def matching(self, within: Range, meter: Meter) -> Iterator[int]:
        """The positions of a range that match, as far as the budget lets it look."""
        for record in self.records(within, falling=True):
            meter.looked_at(1)
            if matches(record, self.expression):
                yield record.position
            if meter.is_spent:
                return

    def count(self, within: Range, meter: Meter) -> int:
        """How many they are."""
        if self.is_exact(within):
            return self.view.count(self.proposal, within)
        return sum(1 for _ in self.matching(within, meter))


def _records_at(log: Backend, positions: Sequence[int]) -> Iterator[Record]:
    while positions:
        page = log.at(positions, STEP_BYTES)
        yield from page.records
        if not page.more:
            return
        positions = positions[len(page.records) :]
