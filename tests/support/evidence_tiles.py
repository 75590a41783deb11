"""Trees kept in memory, for tests of the log's evidence."""

from collections.abc import Iterable

from audit_service.evidence.merkle import NodeHash, leaf_hash, tree_root
from audit_service.evidence.tiles import grow, node_hashes


class MemoryTiles:
    """The widest tiles of a tree that grows."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def add(self, entries: Iterable[bytes]) -> None:
        """Add leaves."""
        leaves = [leaf_hash(entry) for entry in entries]
        for tile in list(grow(self.size, leaves, self.tile)):
            self.tiles[tile.level, tile.index] = tile.hashes
        self.size += len(leaves)

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile."""
        return self.tiles[level, index]

    @property
    def node(self) -> NodeHash:
        """Its node hashes."""
        return node_hashes(self.tile)

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree, or of what it was at a size."""
        return tree_root(self.size if size is None else size, self.node)
