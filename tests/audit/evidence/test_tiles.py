"""Tiles: their paths and contents as Go's tlog has them, and bundles."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_service.evidence.merkle import consistency_proof, inclusion_proof
from audit_service.evidence.note_keys import to_base64
from audit_service.evidence.tiles import (
    BundleMalformed,
    bundle,
    entries_of,
    node_hashes,
    parse_path,
    path_of,
    width_in,
)
from tests.support.evidence_tiles import MemoryTiles

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "trees.json").read_text())
LARGEST = 70_000


@pytest.fixture(scope="module")
def tree() -> MemoryTiles:
    """The tree of the vectors, grown in steps of many sizes."""
    tree, step = MemoryTiles(), 1
    while tree.size < LARGEST:
        end = min(tree.size + step, LARGEST)
        tree.add(b"leaf %d" % i for i in range(tree.size, end))
        step = step * 2 + 1
    return tree


def test_roots_are_those_of_go(tree: MemoryTiles) -> None:
    for vector in VECTORS["roots"]:
        assert to_base64(tree.root(vector["size"])) == vector["root"]


def test_inclusion_proofs_are_those_of_go(tree: MemoryTiles) -> None:
    for vector in VECTORS["inclusion"]:
        proof = inclusion_proof(vector["index"], vector["size"], tree.node)
        assert list(map(to_base64, proof)) == vector["proof"]


def test_consistency_proofs_are_those_of_go(tree: MemoryTiles) -> None:
    for vector in VECTORS["consistency"]:
        proof = consistency_proof(vector["old"], vector["new"], tree.node)
        assert list(map(to_base64, proof)) == vector["proof"]


def test_tiles_are_those_of_go(tree: MemoryTiles) -> None:
    for vector in VECTORS["tiles"]:
        level, index, width = (vector[name] for name in ("level", "index", "width"))
        hashes = tree.tile(level, index)
        assert sha256(hashes).hexdigest() == vector["sha256"]
        assert width_in(LARGEST, level, index) == width
        assert f"{level}/{path_of(index, width)}" == vector["path"]
    assert len(VECTORS["tiles"]) < len(tree.tiles)


@pytest.mark.parametrize("vector", VECTORS["paths"])
def test_paths_are_those_of_go(vector: dict[str, Any]) -> None:
    index, width = vector["index"], vector["width"]
    assert path_of(index, width) == vector["path"]
    assert parse_path(vector["path"]) == (index, width)


NO_PATHS = (
    *("", "0", "00", "0000", "x000/001", "x001", "001/002", "x01/002", "/000", "000/", "-01"),
    *("000.p/0", "000.p/256", "000.p/01", "000.p/", "000.p/1/", "000.P/1", "000\n"),
    "\N{ARABIC-INDIC DIGIT ZERO}" * 3,
)


@pytest.mark.parametrize("path", NO_PATHS)
def test_nothing_else_is_a_path(path: str) -> None:
    assert parse_path(path) is None


def test_a_partial_tile_is_read_where_the_full_one_is_kept(tree: MemoryTiles) -> None:
    """A tree of an older size is made of the same tiles."""
    small = MemoryTiles()
    small.add(b"leaf %d" % i for i in range(300))
    assert tree.root(300) == small.root()


def test_a_tile_that_is_too_narrow_gives_no_hash(tree: MemoryTiles) -> None:
    node = node_hashes(lambda level, index: tree.tile(level, index)[:64])
    assert node(1, 0)
    with pytest.raises(ValueError, match="too narrow"):
        node(2, 0)


@given(st.lists(st.binary(max_size=400), max_size=300))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert entries_of(bundle(entries)) == entries


@pytest.mark.parametrize("content", [b"\0", b"\0\1", b"\0\2a", b"\0\1ab", b"\0\1a\0"])
def test_a_bundle_that_ends_within_an_entry_is_none(content: bytes) -> None:
    with pytest.raises(BundleMalformed):
        entries_of(content)
