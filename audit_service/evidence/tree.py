"""Tree that grows: its head, and the hashes at its right edge, of which the rest follows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from audit_service.evidence.merkle import EMPTY_ROOT, HASH_SIZE, tree_root
from audit_service.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, grow, node_hashes

StoredTile = Callable[[int, int], bytes | None]
"""The hashes of a tile, joined: its (level, number). None where there is none."""


class TreeBroken(Exception):
    """A tile of the tree is not there, or too narrow."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of RFC 6962. `edge`: by level the hashes of the tile that is not full yet, joined."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    edge: Mapping[int, bytes] = field(default_factory=dict)

    def grown(self, leaves: Sequence[bytes]) -> tuple["Tree", list[Tile]]:
        """The tree with hashes of leaves added, and the tiles that it has got or widened."""
        tiles = list(grow(self.size, leaves, lambda level, _: self.edge[level]))
        edge = {**self.edge, **{tile.level: tile.hashes for tile in tiles}}
        edge = {level: hashes for level, hashes in edge.items() if len(hashes) < _FULL}
        size = self.size + len(leaves)
        return Tree(size, _root(size, edge), edge), tiles


def stored_tree(size: int, tile: StoredTile) -> Tree:
    """The tree of that size out of its tiles. Raises TreeBroken."""
    edge = {}
    level, hashes = 0, size
    while hashes:
        number, width = divmod(hashes, TILE_WIDTH)
        if width:
            edge[level] = tile_hashes(tile, level, number, width)
        level, hashes = level + 1, hashes >> TILE_HEIGHT
    return Tree(size, _root(size, edge), edge)


def tile_hashes(tile: StoredTile, level: int, number: int, width: int) -> bytes:
    """The first hashes of a tile, so many. Raises TreeBroken."""
    found = tile(level, number) or b""
    if len(found) < width * HASH_SIZE:
        raise TreeBroken(f"the tile at level {level}, number {number} has no {width} hashes")
    return found[: width * HASH_SIZE]


def _root(size: int, edge: Mapping[int, bytes]) -> bytes:
    return tree_root(size, node_hashes(lambda level, _: edge[level]))


_FULL = TILE_WIDTH * HASH_SIZE
