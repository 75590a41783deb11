"""Served tree: what is shown of a log's tree to those who check it (C2SP tlog-tiles)."""

from contextlib import AbstractContextManager

from audit_service.evidence.leaf import Unsalted, leaf_of
from audit_service.evidence.merkle import HASH_SIZE
from audit_service.evidence.tiles import TILE_WIDTH, bundle, width_in
from audit_service.evidence.tree import StoredTile
from audit_service.evidence.tree_store import TreeStore
from audit_service.evidence.tree_table import SignedHead
from audit_service.evidence.witness_policy import NO_WITNESSES, WitnessPolicy
from audit_service.evidence.witnessed import PATIENCE, Witnessed, witnessed
from audit_service.log import Backend

READ_BYTES = 4 * 1024 * 1024
"""Of rows at once, of which only the leaves are kept."""


class ServedTree:
    """Checkpoint, tiles and entry bundles. Safe for any number of threads.

    Every method raises LogUnavailable.
    """

    def __init__(
        self,
        log: Backend,
        store: TreeStore,
        policy: WitnessPolicy = NO_WITNESSES,
        patience: int = PATIENCE,
    ) -> None:
        """`patience`: microseconds that a checkpoint waits for its quorum."""
        self._log = log
        self._store = store
        self._policy = policy
        self._patience = patience
        self._published = -1

    def checkpoint(self) -> bytes | None:
        """The newest that enough witnesses cosigned; where that takes too long, or none has to,
        the newest. As a signed note; None before the first.
        """
        found = self._found()
        return None if found is None else found.shown(self._patience).note

    def covers(self, position: int) -> bool:
        """Whether the newest checkpoint covers the event at a position."""
        newest = self._store.newest()
        return newest is not None and position <= newest.size

    def head(self, covering: int) -> SignedHead | None:
        """The newest checkpoint of so many events at least, one that enough witnesses cosigned
        rather than another; None where there is none.
        """
        found = self._found()
        if found is None or found.newest.size < covering:
            return None
        met = found.met
        return met if met is not None and met.size >= covering else found.newest

    def _found(self) -> Witnessed | None:
        """All of which is kept for ever, for it is given away."""
        newest = self._store.newest()
        if newest is not None and newest.size != self._published:
            newest = self._store.publish_newest()
            self._published = -1 if newest is None else newest.size
        found = witnessed(self._store, self._policy)
        if found is not None and found.newest.size != self._published:
            # Another came meanwhile, which is not kept.
            return self._found()
        return found

    def stored_tiles(self) -> AbstractContextManager[StoredTile]:
        """Several tiles, each as wide as it is now, in one thread, for a moment."""
        return self._store.tiles()

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        """The first hashes of a tile, so many; None where the tree has fewer."""
        if not self._has(level, number, width):
            return None
        hashes = self._store.tile(level, number) or b""
        return hashes[: width * HASH_SIZE] if len(hashes) >= width * HASH_SIZE else None

    def bundle(self, number: int, width: int) -> bytes | None:
        """The leaves of the first hashes of a tile at level 0, made anew of the events; None where
        the tree, or the log, has fewer.
        """
        if not self._has(0, number, width):
            return None
        start = number * TILE_WIDTH
        leaves: list[bytes] = []
        try:
            while len(leaves) < width:
                wanted = width - len(leaves)
                page = self._log.oldest(start + len(leaves), wanted, READ_BYTES)
                leaves += [leaf_of(record) for record in page.records]
                if len(leaves) < width and not page.more:
                    return None
        except Unsalted:
            return None
        return bundle(leaves)

    def _has(self, level: int, number: int, width: int) -> bool:
        newest = self._store.newest()
        return newest is not None and width <= width_in(newest.size, level, number)
