"""Check of a stored tree: it is what its newest checkpoint says, and the log is what it is over."""

from audit_service.evidence.checkpoints import open_checkpoint
from audit_service.evidence.leaf import Unsalted, leaf_of
from audit_service.evidence.log_key import SigningStopped
from audit_service.evidence.merkle import HASH_SIZE, leaf_hash
from audit_service.evidence.note_keys import VerifierKey
from audit_service.evidence.notes import NoteMalformed, SignatureInvalid
from audit_service.evidence.tiles import TILE_WIDTH
from audit_service.evidence.tree import Tree, TreeBroken, stored_tree, tile_hashes
from audit_service.evidence.tree_store import TreeStore
from audit_service.evidence.tree_table import Identity, SignedHead
from audit_service.log import Backend


def checked_tree(log: Backend, store: TreeStore, key: VerifierKey) -> tuple[Tree, SignedHead]:
    """The tree, and its newest checkpoint. One of before its first use is no subject of this.

    Raises SigningStopped where that key must not go on with it, or is another; LogUnavailable.
    """
    identity, newest = store.identity(), store.newest()
    if identity is None or newest is None:
        raise SigningStopped("the tree has lost its identity, or its checkpoints")
    check_identity(identity, key)
    try:
        checkpoint, _ = open_checkpoint(newest.note, key)
        if (checkpoint.size, checkpoint.root) != (newest.size, newest.root):
            raise SigningStopped("the newest checkpoint is not what was signed")
        tree = stored_tree(newest.size, store.tile)
        if tree.root != newest.root:
            raise SigningStopped("the tiles are not those of the newest checkpoint")
        if tree.size:
            _check_last_leaf(log, store, tree.size)
    except (NoteMalformed, SignatureInvalid) as error:
        raise SigningStopped(f"the newest checkpoint {error}") from None
    except TreeBroken as error:
        raise SigningStopped(str(error)) from None
    return tree, newest


def check_identity(identity: Identity, key: VerifierKey) -> None:
    """Raises SigningStopped where the tree is not that key's."""
    if identity.origin != key.name:
        raise SigningStopped(f"the tree is that of {identity.origin}, and the key of {key.name}")
    if identity.verifier_key != str(key):
        raise SigningStopped(f"the tree was begun with another key, {identity.verifier_key}")


def leaf_hash_at(log: Backend, position: int) -> bytes | None:
    """The hash of the leaf of an event as it is now; None where there is none."""
    record = log.get(position)
    try:
        return None if record is None else leaf_hash(leaf_of(record))
    except Unsalted:
        return None


def _check_last_leaf(log: Backend, store: TreeStore, size: int) -> None:
    number, at = divmod(size - 1, TILE_WIDTH)
    hashes = tile_hashes(store.tile, 0, number, at + 1)
    if leaf_hash_at(log, size) != hashes[at * HASH_SIZE :]:
        raise SigningStopped(f"the log lacks the event at {size} that the tree has, or has another")
