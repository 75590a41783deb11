"""Tiles of C2SP tlog-tiles: a tree kept as runs of 256 hashes, their paths, and entry bundles.

A tile at level L has hashes of height 8·L. One at the right edge is partial; it is a beginning of
what the full one will be, so that the widest one holds all narrower ones.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from audit_service.evidence.merkle import HASH_SIZE, NodeHash, whole_root

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
FULL_TILE: Final = TILE_WIDTH * HASH_SIZE
"""Bytes of a full tile."""
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 0xFFFF

TileHashes = Callable[[int, int], bytes]
"""The hashes of a tile, joined: its (level, index). Those that the tree has MUST be there; there
may be more.
"""

_INDEX = r"(?:x\d{3}/)*\d{3}"
_PATH = re.compile(rf"({_INDEX})(?:\.p/([1-9]\d{{0,2}}))?", re.ASCII)


class BundleMalformed(Exception):
    """A bundle is no sequence of entries."""


@dataclass(frozen=True)
class Tile:
    """A tile as the tree has it now, full or partial."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes it has, 1 to 256."""
        return len(self.hashes) // HASH_SIZE


def grow(size: int, leaves: Sequence[bytes], partial: TileHashes) -> Iterator[Tile]:
    """Every tile that a tree of that size gets or widens when hashes of leaves are added.

    `partial` is asked for the tiles at the right edge that are not full, one a level at most.
    """
    level, hashes = 0, b"".join(leaves)
    while hashes:
        index, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        if width:
            hashes = partial(level, index)[: width * HASH_SIZE] + hashes
        roots = []
        for at in range(0, len(hashes), FULL_TILE):
            tile = hashes[at : at + FULL_TILE]
            yield Tile(level, index, tile)
            index += 1
            if len(tile) == FULL_TILE:
                roots.append(whole_root(tile))
        level, hashes = level + 1, b"".join(roots)


def node_hashes(tile: TileHashes) -> NodeHash:
    """Node hashes out of tiles, each of which is read once. To be made anew for each use."""
    tiles: dict[tuple[int, int], bytes] = {}

    def node(height: int, index: int) -> bytes:
        level, above = divmod(height, TILE_HEIGHT)
        tile_index, offset = divmod(index << above, TILE_WIDTH)
        key = level, tile_index
        if key not in tiles:
            tiles[key] = tile(level, tile_index)
        start = offset * HASH_SIZE
        hashes = tiles[key][start : start + (HASH_SIZE << above)]
        if len(hashes) != HASH_SIZE << above:
            raise ValueError(f"the tile at level {level}, index {tile_index} is too narrow")
        return whole_root(hashes)

    return node


def width_in(size: int, level: int, index: int) -> int:
    """How many hashes the tile has in a tree of that size: 0 (there is none) to 256."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def path_of(index: int, width: int = TILE_WIDTH) -> str:
    """The last part of a path, `<N>[.p/<W>]`: x001/x234/067.p/12."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def parse_path(path: str) -> tuple[int, int] | None:
    """Index and width that `<N>[.p/<W>]` says; None where it is no such path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    index = int(match[1].replace("x", "").replace("/", ""))
    width = int(match[2] or TILE_WIDTH)
    # A path says its index in one way only, as the cache in front of it expects.
    return (index, width) if path_of(index, width) == path and width <= TILE_WIDTH else None


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as tlog-tiles has them, each after its length in two bytes."""
    return b"".join([struct.pack(">H", len(entry)) + entry for entry in entries])


def entries_of(content: bytes) -> list[bytes]:
    """The entries of a bundle. Raises BundleMalformed."""
    entries, at = [], 0
    while at < len(content):
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        if start > len(content) or at > len(content):
            raise BundleMalformed("ends within an entry")
        entries.append(content[start:at])
    return entries
