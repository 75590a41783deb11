"""Tally of an index: how many of its events match, by bucket of time and by value.

It needs the blocks of the index and the positions that match, and no event where these are exact.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from audit_service.search.buckets import Asked, Bucket
from audit_service.search.expressions import Clock
from audit_service.search.index.blocks import NO_TIME, Block, Columns
from audit_service.search.index.file import BLOCK, block_of
from audit_service.search.index.value_counts import OTHER_CODE, ValueKind
from audit_service.search.index.view import Range
from audit_service.search.paging import Meter
from audit_service.search.plan import Plan

Tally = Counter[tuple[int, str | None]]
"""Counts by a second, or the first of a bucket, and by value."""


def block_edges(plan: Plan, clock: Clock) -> list[int]:
    """The least and the greatest second of each block in which there may be matches."""
    blocks = _blocks(plan)
    ranges = plan.view.ranges(plan.proposal.periods)
    numbers = (number for within in ranges for number in _blocks_of(within))
    return [edge for number in numbers for edge in _edges(blocks[number], clock)]


def tally_of_index(plan: Plan, asked: Asked, bucket: Bucket, meter: Meter) -> Tally:
    """The tally of all that is in the index and matches, by buckets."""
    blocks = _blocks(plan)
    counts: Counter[tuple[int, int]] = Counter()
    for within in plan.ranges(1, plan.view.position, falling=True):
        for number, offsets in _offsets(plan, within, meter):
            counts.update(_counted(plan, blocks[number], offsets, asked, bucket))
        if meter.is_spent:
            break
    names = {} if asked.group is None else _names(plan, asked.group)
    tally: Tally = Counter()
    for (start, code), number in counts.items():
        tally[start, names.get(code)] += number
    return tally


def _offsets(plan: Plan, within: Range, meter: Meter) -> Iterator[tuple[int, Sequence[int] | None]]:
    """Of each block of the range which of its events match, by their offset; None: all of them."""
    if not plan.is_exact(within):
        positions = sorted(plan.matching(within, meter))
    elif plan.proposal.names_terms:
        positions = list(plan.positions(within, falling=False))
    else:
        yield from ((number, None) for number in _blocks_of(within))
        return
    for number, members in groupby(positions, block_of):
        yield number, [position - 1 - number * BLOCK for position in members]


def _counted(
    plan: Plan, block: Block, offsets: Sequence[int] | None, asked: Asked, bucket: Bucket
) -> Counter[tuple[int, int]]:
    columns = plan.view.columns(block.number)
    seconds = columns.arrived if asked.clock is Clock.ARRIVAL else columns.times
    codes = _codes(columns, asked.group)
    if offsets is not None:
        seconds, codes = [seconds[n] for n in offsets], [codes[n] for n in offsets]
    starts = {bucket.start(edge) for edge in _edges(block, asked.clock)}
    if len(starts) == 1 and (asked.clock is Clock.ARRIVAL or block.all_timed):
        # As nearly all blocks are: its codes are counted without a step for each event.
        (start,) = starts
        return Counter({(start, code): number for code, number in Counter(codes).items()})
    counts: Counter[tuple[int, int]] = Counter()
    for (second, code), number in Counter(zip(seconds, codes, strict=True)).items():
        if second != NO_TIME:
            counts[bucket.start(second), code] += number
    return counts


def _blocks(plan: Plan) -> dict[int, Block]:
    return {block.number: block for block in plan.view.blocks()}


def _blocks_of(within: Range) -> range:
    return range(block_of(within.low), block_of(within.high) + 1)


def _edges(block: Block, clock: Clock) -> Sequence[int]:
    """The least and the greatest second of its events; none where none says one."""
    if clock is Clock.ARRIVAL:
        return block.arrived_from, block.arrived_to
    if block.time_from is None or block.time_to is None:
        return ()
    return block.time_from, block.time_to


def _codes(columns: Columns, group: ValueKind | None) -> Sequence[int]:
    if group is ValueKind.TYPE:
        return columns.types
    return columns.sources if group is ValueKind.SOURCE else [OTHER_CODE] * len(columns.types)


def _names(plan: Plan, kind: ValueKind) -> dict[int, str]:
    values = plan.view.values(kind)
    return {value.code: value.name for value in values if value.code != OTHER_CODE}
