"""Store of the tree: rules that both databases keep."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from audit_service.evidence.merkle import EMPTY_ROOT
from audit_service.evidence.tiles import Tile
from audit_service.evidence.tree_store import TreeStore, open_tree
from audit_service.evidence.tree_table import MINUTE, Growth, Identity, SignedHead, TreeMoved
from audit_service.log import LogUnavailable, migrate
from tests.support.evidence_log import alter_tree
from tests.support.log_databases import Store

IDENTITY = Identity("log.example", "log.example+00000000+AA==")
NOBODY = Identity("other.example", "other.example+00000000+AA==")


@pytest.fixture
def tree(store: Store) -> Iterator[TreeStore]:
    migrate(store.url)
    opened = open_tree(store.url)
    yield opened
    opened.close()


def head(size: int, signed_at: int = 0) -> SignedHead:
    return SignedHead(size, EMPTY_ROOT, signed_at, f"note of {size}".encode())


def grow(tree: TreeStore, before: SignedHead | None, after: SignedHead, *tiles: Tile) -> SignedHead:
    tree.grow(Growth(IDENTITY, before, after, tiles), lambda: None)
    return after


def test_before_its_first_use_there_is_nothing(tree: TreeStore) -> None:
    assert (tree.identity(), tree.newest(), tree.tile(0, 0), tree.publish_newest()) == (None,) * 4


def test_what_was_stored_is_read_by_others(store: Store, tree: TreeStore) -> None:
    first = grow(tree, None, head(1), Tile(0, 0, b"a" * 32))
    second = grow(tree, first, head(2, 5), Tile(0, 0, b"a" * 64), Tile(1, 2**40, b"\0" * 8192))
    other = open_tree(store.url)
    assert (other.identity(), other.newest()) == (IDENTITY, second)
    assert (other.tile(0, 0), other.tile(1, 2**40)) == (b"a" * 64, b"\0" * 8192)
    assert other.tile(1, 0) is None
    other.close()


@pytest.mark.parametrize(
    "before", [None, head(1), head(2, 7), SignedHead(2, b"x", 5, b"note of 2")]
)
def test_nothing_grows_on_anything_but_the_newest(
    tree: TreeStore, before: SignedHead | None
) -> None:
    newest = grow(tree, grow(tree, None, head(1)), head(2, 5))
    with pytest.raises(TreeMoved):
        grow(tree, before, head(3), Tile(0, 0, b"b" * 32))
    with pytest.raises(TreeMoved):
        tree.grow(Growth(NOBODY, newest, head(3), ()), lambda: None)
    assert (tree.newest(), tree.tile(0, 0)) == (newest, None)


def test_what_is_not_confirmed_is_undone(tree: TreeStore) -> None:
    first = grow(tree, None, head(1))

    def refuse() -> None:
        raise TreeMoved

    with pytest.raises(TreeMoved):
        tree.grow(Growth(IDENTITY, first, head(2), [Tile(0, 0, b"b" * 32)]), refuse)
    assert (tree.newest(), tree.tile(0, 0)) == (first, None)
    assert grow(tree, first, head(2)) == tree.newest()


def sizes(store: Store, tree: TreeStore) -> list[int]:
    """Of the checkpoints that are kept: the newest is taken away until none is left."""
    found = []
    while (newest := tree.newest()) is not None:
        found.append(newest.size)
        alter_tree(store, f"DELETE FROM tree_checkpoint WHERE size = {newest.size}")
    return found[::-1]


def test_one_checkpoint_a_minute_is_kept_and_those_that_were_given_away(
    store: Store, tree: TreeStore
) -> None:
    before = None
    for size, signed_at in enumerate([0, 1, 2, MINUTE, MINUTE + 1, 2 * MINUTE, 3 * MINUTE]):
        before = grow(tree, before, head(size, signed_at))
        if size in {1, 3}:
            assert tree.publish_newest() == before
            assert tree.publish_newest() == before
    assert sizes(store, tree) == [1, 2, 3, 4, 5, 6]


def test_another_database_at_its_place_is_left_as_it_is(tmp_path: Path) -> None:
    tree = open_tree(f"sqlite:///{tmp_path}/events.db")
    db = apsw.Connection(str(tmp_path / "events.db-tree"))
    db.execute("CREATE TABLE precious (x)")
    db.close()
    with pytest.raises(LogUnavailable, match="another database"):
        tree.newest()
    with pytest.raises(LogUnavailable, match="another database"):
        grow(tree, None, head(1))
    tree.close()


def test_a_tree_file_is_its_owners_alone_and_one_that_is_gone_is_begun_anew(
    tmp_path: Path,
) -> None:
    tree = open_tree(f"sqlite:///{tmp_path}/events.db")
    file = tmp_path / "events.db-tree"
    first = grow(tree, None, head(1))
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    for each in tmp_path.iterdir():
        each.unlink()
    assert tree.newest() is None
    with pytest.raises(LogUnavailable):
        grow(tree, first, head(2))
    assert grow(tree, None, head(1)) == tree.newest()
    assert file.exists()
    tree.close()
