"""Verification of a whole log: its events against the leaves of its tree, and the tree against
what was signed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from audit_service.evidence.checkpoints import Checkpoint
from audit_service.evidence.hashed_rows import Altered, HashedRows
from audit_service.evidence.merkle import HASH_SIZE
from audit_service.evidence.tiles import FULL_TILE, TILE_HEIGHT, TILE_WIDTH, Tile
from audit_service.evidence.tree import Tree

Work = Callable[[], HashedRows]
"""Hashes some rows that follow one another; it can be sent to another process."""
Workers = Callable[[Iterator[Work]], Iterator[HashedRows]]
"""Does all the work, in order."""
Progress = Callable[[int], object]
"""Told of so many more events."""


class LogUnverifiable(Exception):
    """What is needed for a verification is not there; the message says what."""


class VerifiedLog(Protocol):
    """A log that is verified. Its methods raise LogUnavailable or LogUnverifiable."""

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        """The first hashes of a tile, joined, so many where it has them; None: there is none."""
        ...

    def work(self, size: int) -> Iterator[Work]:
        """What hashes its rows, all that there are, of which the first `size` have leaves. Each
        but the last hashes some whole tiles of them.
        """
        ...

    def conflicts(self) -> Mapping[int, int] | None:
        """Of each position whose source and id an earlier one has, too: the first such. None where
        it cannot be told.
        """
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What holds: the newest checkpoint, and how many events there are, with those after it."""

    checkpoint: Checkpoint
    events: int


def verify(
    log: VerifiedLog, heads: Sequence[Checkpoint], workers: Workers, progress: Progress
) -> Verified:
    """Check all rows against the tree, and the tree against these checkpoints, whose signatures
    hold. They rise in size, and the last of them is the newest.

    Raises Altered, with the first position at which the log is not what was signed.
    """
    growth, newest = _Growth(log, heads), heads[-1]
    events, conflicts = 0, dict[int, int]()
    growth.add(b"")
    for hashed in workers(log.work(newest.size)):
        growth.add(hashed.leaves)
        if hashed.altered is not None:
            growth.compare_held()
            raise hashed.altered
        events += hashed.count
        conflicts |= hashed.conflicts
        progress(hashed.count)
    growth.compare_held()
    if events < newest.size:
        raise Altered(events + 1, f"is missing: {newest.size} events were signed")
    growth.finish()
    _check_conflicts(conflicts, log.conflicts(), events)
    return Verified(newest, events)


def _check_conflicts(
    found: Mapping[int, int], expected: Mapping[int, int] | None, events: int
) -> None:
    if expected is None:
        return
    for position in sorted({*found, *expected}):
        if position <= events and found.get(position) != expected.get(position):
            raise Altered(position, "is marked as a conflict with another than it is one with")


class _Growth:
    """The tree, made anew of the rows, while it is compared with the stored one."""

    def __init__(self, log: VerifiedLog, heads: Sequence[Checkpoint]) -> None:
        self._log = log
        self._heads = list(heads)
        self._tree = Tree()
        self._held = b""

    def add(self, leaves: bytes) -> None:
        """Hashes of the leaves that follow."""
        self._held += leaves
        while self._heads and self._size_held >= self._heads[0].size:
            self._grow(self._heads[0].size - self._tree.size)
            self._check_head(self._heads.pop(0))
        # Whole tiles: no tile is compared twice.
        last = self._size_held // TILE_WIDTH * TILE_WIDTH
        self._grow(last - self._tree.size)

    def compare_held(self) -> None:
        """Compare the leaves that fill no tile yet. Raises Altered, for the first that differs."""
        number, width = divmod(self._tree.size, TILE_WIDTH)
        edge = self._tree.edge.get(0, b"") if width else b""
        if held := edge + self._held:
            self._check_tile(Tile(0, number, held[:FULL_TILE]))

    def finish(self) -> None:
        """Compare the tiles at the right edge."""
        for level, hashes in self._tree.edge.items():
            number = self._tree.size >> (TILE_HEIGHT * (level + 1))
            self._check_tile(Tile(level, number, hashes))

    @property
    def _size_held(self) -> int:
        return self._tree.size + len(self._held) // HASH_SIZE

    def _grow(self, count: int) -> None:
        if count <= 0:
            return
        added, self._held = self._held[: count * HASH_SIZE], self._held[count * HASH_SIZE :]
        leaves = [added[i : i + HASH_SIZE] for i in range(0, len(added), HASH_SIZE)]
        self._tree, tiles = self._tree.grown(leaves)
        for tile in tiles:
            if tile.width == TILE_WIDTH:
                self._check_tile(tile)

    def _check_tile(self, made: Tile) -> None:
        found = self._log.tile(made.level, made.index, made.width)
        span = TILE_HEIGHT * made.level
        first = (made.index << span + TILE_HEIGHT) + 1
        if found is None:
            raise Altered(first, f"and on: its tile at level {made.level} is missing")
        for i in range(0 if found == made.hashes else made.width):
            start = i * HASH_SIZE
            if found[start : start + HASH_SIZE] != made.hashes[start : start + HASH_SIZE]:
                raise Altered(first + (i << span), _TILE_DIFFERS[made.level > 0])

    def _check_head(self, head: Checkpoint) -> None:
        if self._tree.root != head.root:
            # Of leaves that fill no tile yet, which of them it is.
            if edge := self._tree.edge.get(0):
                self._check_tile(Tile(0, self._tree.size // TILE_WIDTH, edge))
            raise Altered(None, f"the tree of {head.size} events is another than was signed")


_TILE_DIFFERS: Final = {
    False: "is not what was signed, or the hash of it was altered",
    True: "and on: a tile above them was altered",
}
