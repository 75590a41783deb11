"""Merkle trees of RFC 6962, section 2.1: roots and proofs, made of node hashes that are given.

A hash is 32 bytes. A tree is named by its size, the number of its leaves; a leaf by its index,
from 0. Nothing here keeps or reads anything.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves."""

NodeHash = Callable[[int, int], bytes]
"""The hash over the leaves from `index << height`, `1 << height` of them: its (height, index).

It is asked for such alone as are whole within the tree.
"""


class ProofInvalid(Exception):
    """A proof does not prove what it is for; the message says why."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node over two others."""
    return sha256(b"\1" + left + right).digest()


def whole_root(hashes: bytes) -> bytes:
    """Hash over a whole subtree, of the hashes of one height, joined. Their number MUST be a power
    of two.
    """
    while len(hashes) > HASH_SIZE:
        pairs = range(0, len(hashes), 2 * HASH_SIZE)
        hashes = b"".join([sha256(b"\1" + hashes[i : i + 64]).digest() for i in pairs])
    return hashes


def tree_root(size: int, node: NodeHash) -> bytes:
    """Root of the tree of that size."""
    return _range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeHash) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1: from the leaf's sibling up to the root's child."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} has no leaf {index}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            path.append(_range_hash(middle, end, node))
            end = middle
        else:
            path.append(_range_hash(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: NodeHash) -> list[bytes]:
    """PROOF(m, D[n]) of section 2.1.2; empty where the sizes are equal or the old one is 0."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} does not grow to {new}")
    path: list[bytes] = []
    if old == 0:
        return path
    start, end, is_known = 0, new, True
    while old != end:
        middle = _middle(start, end)
        if old <= middle:
            path.append(_range_hash(middle, end, node))
            end = middle
        else:
            path.append(_range_hash(start, middle, node))
            start, is_known = middle, False
    if not is_known:
        path.append(_range_hash(start, end, node))
    return path[::-1]


def proven_root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root of the tree of that size in which the leaf's hash is at the index.

    It proves something only where it is the root of a checkpoint that is trusted. Raises
    ProofInvalid where the proof has the wrong length.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"a tree of {size} has no leaf {index}")
    is_right = []
    start, end = 0, size
    while end - start > 1:
        middle = _middle(start, end)
        is_right.append(index >= middle)
        start, end = (middle, end) if index >= middle else (start, middle)
    if len(proof) != len(is_right):
        raise ProofInvalid(f"{len(proof)} hashes, and not {len(is_right)}")
    for right, sibling in zip(reversed(is_right), proof, strict=True):
        leaf = node_hash(sibling, leaf) if right else node_hash(leaf, sibling)
    return leaf


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises ProofInvalid unless the tree of size `new` begins with the one of size `old`."""
    if not 0 <= old <= new:
        raise ProofInvalid(f"a tree of {old} does not grow to {new}")
    if old in {0, new}:
        trees = (old_root, EMPTY_ROOT) if old == 0 else (old_root, new_root)
        if proof or trees[0] != trees[1]:
            raise ProofInvalid(f"the trees of size {old} differ")
        return
    is_right = _turns(old, new)
    hashes = list(proof) if any(is_right) else [old_root, *proof]
    if len(hashes) != len(is_right) + 1:
        raise ProofInvalid(f"{len(proof)} hashes do not lead from {old} to {new}")
    in_old = in_new = hashes[0]
    for right, sibling in zip(reversed(is_right), hashes[1:], strict=True):
        if right:
            in_old, in_new = node_hash(sibling, in_old), node_hash(sibling, in_new)
        else:
            in_new = node_hash(in_new, sibling)
    if (in_old, in_new) != (old_root, new_root):
        raise ProofInvalid(f"the tree of {new} does not begin with the one of {old}")


def _turns(old: int, new: int) -> list[bool]:
    """Whether each step goes right, from the root of `new` to the last whole subtree of `old`."""
    turns = []
    start, end = 0, new
    while old != end:
        middle = _middle(start, end)
        turns.append(old > middle)
        start, end = (middle, end) if old > middle else (start, middle)
    return turns


def _middle(start: int, end: int) -> int:
    """Where a range of two leaves or more is split: at the largest power of two that fits."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _range_hash(start: int, end: int, node: NodeHash) -> bytes:
    """MTH(D[start:end]); the start MUST be one at which such a range begins."""
    count = end - start
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return node(height, start >> height)
    middle = _middle(start, end)
    return node_hash(_range_hash(start, middle, node), _range_hash(middle, end, node))
