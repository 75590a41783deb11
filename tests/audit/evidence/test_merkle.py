"""Trees: as RFC 6962 defines them, as Go's tlog makes them, and what a wrong proof proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_service.evidence.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    check_consistency,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    proven_root,
    whole_root,
)
from tests.audit.evidence import naive_tree
from tests.support.evidence_tiles import MemoryTiles

entries = st.lists(st.binary(max_size=3), max_size=70)


def tree_of(leaves: list[bytes]) -> MemoryTiles:
    """A tree with these."""
    tree = MemoryTiles()
    tree.add(leaves)
    return tree


@given(entries)
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert tree_of(leaves).root() == naive_tree.root(leaves)


@given(st.lists(entries, max_size=6), st.integers(0, 300))
def test_a_tree_is_the_same_in_however_many_steps_it_grew(
    steps: list[list[bytes]], more: int
) -> None:
    steps.append([b"%d" % i for i in range(more)])
    tree = MemoryTiles()
    for step in steps:
        tree.add(step)
    at_once = tree_of([leaf for step in steps for leaf in step])
    assert (tree.tiles, tree.size) == (at_once.tiles, at_once.size)


@given(entries.filter(bool), st.data())
def test_an_inclusion_proof_is_that_of_the_definition_and_leads_to_the_root(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(index, len(leaves), tree_of(leaves).node)
    assert proof == naive_tree.path(index, leaves)
    hashed = leaf_hash(leaves[index])
    assert proven_root(index, len(leaves), hashed, proof) == naive_tree.root(leaves)


@given(entries.filter(bool), st.data())
def test_a_consistency_proof_is_that_of_the_definition_and_holds(
    leaves: list[bytes], data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    proof = consistency_proof(old, len(leaves), tree_of(leaves).node)
    assert proof == naive_tree.proof(old, leaves)
    old_root, new_root = naive_tree.root(leaves[:old]), naive_tree.root(leaves)
    check_consistency(old, old_root, len(leaves), new_root, proof)


@given(entries.filter(lambda leaves: len(leaves) > 1), st.data())
def test_a_proof_that_is_altered_anywhere_does_not_hold(
    leaves: list[bytes], data: st.DataObject
) -> None:
    size = len(leaves)
    old = data.draw(st.integers(1, size - 1))
    tree, roots = tree_of(leaves), (naive_tree.root(leaves[:old]), naive_tree.root(leaves))
    proof = consistency_proof(old, size, tree.node)
    for wrong in altered(proof, data):
        with pytest.raises(ProofInvalid):
            check_consistency(old, roots[0], size, roots[1], wrong)
    path = inclusion_proof(old, size, tree.node)
    for wrong in altered(path, data):
        try:
            assert proven_root(old, size, leaf_hash(leaves[old]), wrong) != roots[1]
        except ProofInvalid:
            assert len(wrong) != len(path)


def altered(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The proof with a hash altered, less, more."""
    at = data.draw(st.integers(0, len(proof) - 1))
    other = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    return [[*proof[:at], other, *proof[at + 1 :]], proof[:-1], [*proof, proof[-1]]]


@given(entries, entries, st.integers(0, 70))
def test_two_trees_are_consistent_only_where_one_begins_with_the_other(
    leaves: list[bytes], others: list[bytes], old: int
) -> None:
    old = min(old, len(leaves), len(others))
    proof = consistency_proof(old, len(leaves), tree_of(leaves).node)
    roots = naive_tree.root(others[:old]), naive_tree.root(leaves)
    if others[:old] == leaves[:old]:
        check_consistency(old, roots[0], len(leaves), roots[1], proof)
    else:
        with pytest.raises(ProofInvalid):
            check_consistency(old, roots[0], len(leaves), roots[1], proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(index, size, tree_of([b"a", b"b", b"c"]).node)
    with pytest.raises(ProofInvalid):
        proven_root(index, size, EMPTY_ROOT, [])


def test_a_tree_does_not_shrink() -> None:
    with pytest.raises(ValueError, match="does not grow"):
        consistency_proof(3, 2, tree_of([b"a", b"b", b"c"]).node)
    with pytest.raises(ProofInvalid):
        check_consistency(3, EMPTY_ROOT, 2, EMPTY_ROOT, [])


def test_a_whole_subtree_is_hashed_in_pairs() -> None:
    leaves = [b"%d" % i for i in range(256)]
    hashes = b"".join(map(leaf_hash, leaves))
    assert whole_root(hashes) == naive_tree.root(leaves)
