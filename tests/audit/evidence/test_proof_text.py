"""Proofs as texts: written, read, and checked offline."""

from dataclasses import replace

import pytest

from audit_service.evidence.checkpoints import Checkpoint, sign_checkpoint
from audit_service.evidence.merkle import ProofInvalid, inclusion_proof, leaf_hash
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.notes import Note, SignatureInvalid
from audit_service.evidence.proof_text import (
    LogProof,
    ProofMalformed,
    QuorumMissing,
    parse_proof,
)
from audit_service.evidence.witness_policy import WitnessPolicy, parse_policy
from tests.support.evidence_tiles import MemoryTiles
from tests.support.evidence_witness import cosign, key_of

KEY, WITNESS = generate_key("log.example"), generate_key("witness.example")
POLICY = parse_policy(f"witness w {key_of(WITNESS)}\nquorum w\n".encode())
SIZE, INDEX = 700, 411
LEAF = leaf_hash(b"leaf %d" % INDEX)


@pytest.fixture(scope="module")
def proof() -> LogProof:
    tree = MemoryTiles()
    tree.add(b"leaf %d" % i for i in range(SIZE))
    note = sign_checkpoint(Checkpoint(KEY.name, SIZE, tree.root()), KEY)
    cosigned = Note(note.text, (*note.signatures, cosign(note.text, WITNESS)))
    hashes = tuple(inclusion_proof(INDEX, SIZE, tree.node))
    return LogProof(INDEX, hashes, bytes(cosigned), b"salts")


def test_a_proof_is_read_as_it_was_written(proof: LogProof) -> None:
    text = bytes(proof)
    assert text.startswith(b"c2sp.org/tlog-proof@v1\nextra c2FsdHM=\nindex 411\n")
    assert parse_proof(text) == proof
    without = replace(proof, extra=None)
    assert parse_proof(bytes(without)) == without


def test_a_proof_of_the_only_leaf_has_no_hashes(proof: LogProof) -> None:
    tree = MemoryTiles()
    tree.add([b"leaf"])
    note = sign_checkpoint(Checkpoint(KEY.name, 1, tree.root()), KEY)
    alone = parse_proof(bytes(LogProof(0, (), bytes(note))))
    assert alone.check(leaf_hash(b"leaf"), KEY.verifier, WitnessPolicy()).size == 1


def test_a_proof_holds_for_its_leaf_alone(proof: LogProof) -> None:
    assert proof.check(LEAF, KEY.verifier, POLICY).size == SIZE
    with pytest.raises(ProofInvalid):
        proof.check(leaf_hash(b"leaf 412"), KEY.verifier, POLICY)
    with pytest.raises(ProofInvalid):
        replace(proof, index=INDEX + 1).check(LEAF, KEY.verifier, POLICY)
    with pytest.raises(ProofInvalid):
        replace(proof, index=SIZE).check(LEAF, KEY.verifier, POLICY)


def test_a_proof_of_another_log_proves_nothing(proof: LogProof) -> None:
    with pytest.raises(SignatureInvalid):
        proof.check(LEAF, generate_key(KEY.name).verifier, POLICY)


def test_a_proof_without_the_quorum_proves_nothing(proof: LogProof) -> None:
    other = parse_policy(f"witness w {key_of(generate_key('w'))}\nquorum w\n".encode())
    with pytest.raises(QuorumMissing):
        proof.check(LEAF, KEY.verifier, other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"proof@v1", b"proof@v2"),
        (b"index 411", b"index 0411"),
        (b"index 411", b"index x"),
        (b"index 411\n", b""),
        (b"extra c2FsdHM=", b"extra c2FsdHM"),
        (b"extra c2FsdHM=\n", b"extra c2FsdHM=\nextra c2FsdHM=\n"),
        (b"=\nindex", b"=\n\nindex"),
        (b"index 411\n", b"index 411\nAAAA\n"),
        (b"index 411\n", b"index 411\n" + b"A" * 43 + b"\n"),
        (b"index 411\n", b"index 411\n" + b"\xff\n"),
        (b"index 411\n", b"index 411\n" + (b"A" * 43 + b"=\n") * 64),
    ],
)
def test_what_is_no_proof_is_refused(proof: LogProof, old: bytes, new: bytes) -> None:
    text = bytes(proof)
    assert old in text
    with pytest.raises(ProofMalformed):
        parse_proof(text.replace(old, new, 1))


@pytest.mark.parametrize("text", [b"", b"\n\n", b"c2sp.org/tlog-proof@v1\nindex 0\n"])
def test_what_has_no_checkpoint_is_no_proof(text: bytes) -> None:
    with pytest.raises(ProofMalformed):
        parse_proof(text)
