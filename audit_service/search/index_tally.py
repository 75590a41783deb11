"""Tally of an index: of its blocks and the positions that match.

No event is needed where these are exact.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from audit_service.search.buckets import Asked
from audit_service.search.expressions import Clock
from audit_service.search.index.blocks import NO_TIME, Columns
from audit_service.search.index.file import BLOCK, block_of
from audit_service.search.index.value_counts import OTHER_CODE, ValueKind
from audit_service.search.index.view import Range
from audit_service.search.paging import Meter
from audit_service.search.plan import Plan
from audit_service.search.tally import Tally


def tally_index(tally: Tally, plan: Plan, asked: Asked, meter: Meter) -> None:
    """Add all that is in the index and matches."""
    blocks = plan.view.blocks
    names = {} if asked.group is None else _names(plan, asked.group)
    for within in plan.ranges(1, plan.view.position, falling=True):
        for number, offsets in _offsets(plan, within, meter):
            seconds, codes = _chosen(plan.view.columns(number), asked, offsets)
            all_timed = asked.clock is Clock.ARRIVAL or blocks[number].all_timed
            _add(tally, seconds, codes, names, all_timed=all_timed)
        if meter.is_spent:
            break


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


def _chosen(
    columns: Columns, asked: Asked, offsets: Sequence[int] | None
) -> tuple[Sequence[int], Sequence[int]]:
    """The seconds and codes of a block's events at these offsets."""
    seconds = columns.arrived if asked.clock is Clock.ARRIVAL else columns.times
    codes = _codes(columns, asked.group)
    if offsets is None:
        return seconds, codes
    return [seconds[n] for n in offsets], [codes[n] for n in offsets]


def _add(
    tally: Tally,
    seconds: Sequence[int],
    codes: Sequence[int],
    names: Mapping[int, str],
    *,
    all_timed: bool,
) -> None:
    """Add events of a block; `all_timed`: each has a second."""
    if all_timed:
        first, last = min(seconds), max(seconds)
        tally.widen(first, last)
        if tally.bucket.start(first) == tally.bucket.start(last):
            # As nearly all blocks are: its codes are counted without a step for each event.
            for code, number in Counter(codes).items():
                tally.add(first, names.get(code), number)
            return
    counts = Counter(zip(seconds, codes, strict=True)).items()
    tally.add_all(
        [((second, names.get(code)), n) for (second, code), n in counts if second != NO_TIME]
    )


def _blocks_of(within: Range) -> range:
    return range(block_of(within.low), block_of(within.high) + 1)


def _codes(columns: Columns, group: ValueKind | None) -> Sequence[int]:
    if group is ValueKind.TYPE:
        return columns.types
    return columns.sources if group is ValueKind.SOURCE else [OTHER_CODE] * len(columns.types)


def _names(plan: Plan, kind: ValueKind) -> dict[int, str]:
    values = plan.view.values(kind)
    return {value.code: value.name for value in values if value.code != OTHER_CODE}
