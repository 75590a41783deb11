"""View of an index: what is in it at one moment, for one query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import apsw

from audit_service.search.expressions import Clock, Period
from audit_service.search.index import blocks
from audit_service.search.index.blocks import Block, Columns
from audit_service.search.index.faults import IndexDamaged, index_errors
from audit_service.search.index.file import (
    BLOCK,
    SEGMENT,
    block_of,
    segment_of,
    terms_table,
    words_table,
)
from audit_service.search.index.mark import Mark
from audit_service.search.index.proposals import Proposal
from audit_service.search.index.terms import EVERY
from audit_service.search.index.value_counts import COLUMNS, ValueCount, ValueKind

_EVERY: Final = f'"{EVERY}"'
_BLOCKS: Final = "SELECT number, arrived_from, arrived_to, time_from, time_to, all_timed FROM block"


@dataclass(frozen=True, slots=True)
class Range:
    """Positions from `low` to `high`; `is_within`: all of their events are in the periods that are
    asked for.
    """

    low: int
    high: int
    is_within: bool


class IndexView:
    """An index while it is read: it changes for others only. Every method raises IndexUnusable."""

    def __init__(self, db: apsw.Connection, mark: Mark) -> None:
        self._db = db
        self.mark = mark
        self.position = mark.position
        self.any_partial = mark.partial > 0

    def positions(self, proposal: Proposal, within: Range, *, falling: bool) -> Iterator[int]:
        """The positions of a range of one segment that are proposed, in order."""
        segment = segment_of(within.low)
        query, bindings = _proposed(proposal, segment, within)
        before = segment * SEGMENT
        with index_errors():
            order = f"ORDER BY rowid {'DESC' if falling else 'ASC'}"
            for (row,) in self._db.execute(f"SELECT rowid {query} {order}", bindings):
                yield before + row

    def count(self, proposal: Proposal, within: Range) -> int:
        """How many positions of a range of one segment are proposed."""
        if not proposal.names_terms:
            return within.high - within.low + 1
        query, bindings = _proposed(proposal, segment_of(within.low), within)
        with index_errors():
            found: int = self._db.execute(f"SELECT count(*) {query}", bindings).get
        return found

    def ranges(self, periods: Sequence[Period]) -> list[Range]:
        """The ranges of positions that can be in all of these periods, rising."""
        if not periods:
            return [Range(1, self.position, is_within=True)]
        edges = [_Edges.of(period) for period in periods]
        ranges: list[Range] = []
        for block in self.blocks:
            if not all(each.overlap(block) for each in edges):
                continue
            low, high = self.positions_of(block.number)
            is_within = all(each.surround(block) for each in edges)
            if ranges and ranges[-1].high == low - 1 and ranges[-1].is_within is is_within:
                low = ranges.pop().low
            ranges.append(Range(low, high, is_within))
        return ranges

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """Every block, in order."""
        with index_errors():
            found = [Block(*row) for row in self._db.execute(f"{_BLOCKS} ORDER BY number")]
        if [block.number for block in found] != list(range(block_of(self.position) + 1)):
            raise IndexDamaged("a block is missing")
        return found

    def columns(self, number: int) -> Columns:
        """The columns of a block."""
        low, high = self.positions_of(number)
        with index_errors():
            packed = self._db.execute(
                "SELECT packed FROM block_columns WHERE number = ?", (number,)
            ).get
            columns = blocks.unpacked(packed)
        if len(columns.arrived) != high - low + 1:
            raise IndexDamaged("a block is not whole")
        return columns

    def positions_of(self, block: int) -> tuple[int, int]:
        """The first and the last position of a block."""
        return block * BLOCK + 1, min((block + 1) * BLOCK, self.position)

    def values(self, kind: ValueKind) -> list[ValueCount]:
        """The values of a kind, with the one that stands for all others where there are any."""
        with index_errors():
            rows = self._db.execute(f"SELECT {COLUMNS} FROM value WHERE kind = ?", (kind,))
            return [ValueCount(*row) for row in rows]


def by_segments(ranges: Sequence[Range], *, falling: bool) -> Iterator[Range]:
    """The ranges cut at the borders of segments, in order."""
    for within in reversed(ranges) if falling else ranges:
        segments = range(segment_of(within.low), segment_of(within.high) + 1)
        for segment in reversed(segments) if falling else segments:
            low = max(within.low, segment * SEGMENT + 1)
            high = min(within.high, (segment + 1) * SEGMENT)
            yield Range(low, high, within.is_within)


def clipped(ranges: Sequence[Range], low: int, high: int) -> list[Range]:
    """What of the ranges is from `low` to `high`."""
    cut = (Range(max(each.low, low), min(each.high, high), each.is_within) for each in ranges)
    return [each for each in cut if each.low <= each.high]


def _proposed(proposal: Proposal, segment: int, within: Range) -> tuple[str, tuple[str | int, ...]]:
    """The FROM and WHERE of what is proposed, and its bindings."""
    before = segment * SEGMENT
    rows = within.low - before, within.high - before
    terms, words = terms_table(segment), words_table(segment)
    bounds = "rowid BETWEEN ? AND ?"
    if proposal.words is None:
        match = proposal.terms or _EVERY
        return f"FROM {terms} WHERE {terms} MATCH ? AND {bounds}", (match, *rows)
    if proposal.terms is None:
        return f"FROM {words} WHERE {words} MATCH ? AND {bounds}", (proposal.words, *rows)
    return (
        f"""FROM {terms} WHERE {terms} MATCH ? AND {bounds} AND rowid IN
            (SELECT rowid FROM {words} WHERE {words} MATCH ? AND {bounds})""",
        (proposal.terms, *rows, proposal.words, *rows),
    )


@dataclass(frozen=True, slots=True)
class _Edges:
    """A period in seconds, rounded down."""

    since: int | None
    until: int | None
    by: Clock

    @classmethod
    def of(cls, period: Period) -> "_Edges":
        since, until = (
            None if moment is None else blocks.second_of(moment)
            for moment in (period.since, period.until)
        )
        return cls(since, until, period.by)

    def overlap(self, block: Block) -> bool:
        """Whether one of the block's events can be in the period."""
        bounds = self._bounds(block)
        if bounds is None:
            return False
        return (self.since is None or bounds[1] >= self.since) and (
            self.until is None or bounds[0] <= self.until
        )

    def surround(self, block: Block) -> bool:
        """Whether all of them are, as far as whole seconds say it."""
        bounds = self._bounds(block)
        if bounds is None or (self.by is Clock.EVENT and not block.all_timed):
            return False
        return (self.since is None or bounds[0] > self.since) and (
            self.until is None or bounds[1] < self.until
        )

    def _bounds(self, block: Block) -> tuple[int, int] | None:
        if self.by is Clock.ARRIVAL:
            return block.arrived_from, block.arrived_to
        if block.time_from is None or block.time_to is None:
            return None
        return block.time_from, block.time_to
