"""Heads of a log that a verification compares with: its own checkpoints, and one from before."""

from collections.abc import Callable, Sequence
from typing import Final

from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint
from audit_service.evidence.hashed_rows import Altered
from audit_service.evidence.merkle import ProofInvalid, check_consistency, consistency_proof
from audit_service.evidence.note_keys import VerifierKey
from audit_service.evidence.notes import Note, NoteMalformed, SignatureInvalid
from audit_service.evidence.proof_text import QuorumMissing, checked_checkpoint
from audit_service.evidence.tiles import node_hashes, width_in
from audit_service.evidence.verification import LogUnverifiable, VerifiedLog
from audit_service.evidence.witness import WitnessClient, WitnessDisagrees, WitnessUnavailable
from audit_service.evidence.witness_policy import WitnessPolicy

Newest = Callable[[], tuple[Checkpoint, Note]]
"""The newest checkpoint that there is by now, whose signature holds. Raises as reading it does."""
TRIES: Final = 3


def kept_checkpoint(content: bytes, key: VerifierKey) -> Checkpoint:
    """A checkpoint that the verifier kept. Raises LogUnverifiable where it is none of this log."""
    try:
        return open_checkpoint(content, key)[0]
    except (NoteMalformed, SignatureInvalid) as error:
        raise LogUnverifiable(f"the checkpoint that was kept {error}") from None


def with_kept(heads: Sequence[Checkpoint], kept: Checkpoint) -> list[Checkpoint]:
    """The heads and one that was kept, in their order. Raises Altered where it is a newer one."""
    newest = heads[-1]
    if kept.size > newest.size:
        raise Altered(
            newest.size + 1,
            f"is missing: {kept.size} events were signed before, and {newest.size} are now",
        )
    return sorted([*heads, kept], key=lambda head: head.size)


def ask_witnesses(
    log: VerifiedLog, newest: Newest, verified: Checkpoint, key: VerifierKey, policy: WitnessPolicy
) -> None:
    """Have the witnesses cosign the newest checkpoint there is by now, which continues the one that
    was verified: none that saw a longer tree, or another one, does.

    Those without a URL count with the cosignature that is there. Raises Altered where a witness
    saw another log, LogUnverifiable where too few answer.
    """
    if policy.logs and key.public not in {known.public for known in policy.logs}:
        raise LogUnverifiable("the policy does not have the key of this log")
    for _ in range(TRIES):
        head, note = newest()
        _check_continues(log, verified, head)
        try:
            _ask(log, note, head, key, policy)
        except Altered:
            # The service may have had a larger one cosigned meanwhile, which is no fault.
            if newest()[0].size <= head.size:
                raise
        else:
            return
    raise LogUnverifiable("the log grew each time before its witnesses had answered")


def _check_continues(log: VerifiedLog, old: Checkpoint, new: Checkpoint) -> None:
    try:
        proof = _proof(log, old.size, new.size)
        check_consistency(old.size, old.root, new.size, new.root, proof)
    except (ProofInvalid, ValueError):
        raise Altered(
            None, f"the newest checkpoint, of {new.size} events, does not continue this one"
        ) from None


def _ask(
    log: VerifiedLog, note: Note, head: Checkpoint, key: VerifierKey, policy: WitnessPolicy
) -> None:
    known = {(w.key.name, w.key.key_id) for w in policy.witnesses if w.url is not None}
    signatures = [each for each in note.signatures if (each.name, each.key_id) not in known]
    faults = []
    for witness in policy.witnesses:
        if witness.url is None:
            continue
        client = WitnessClient(witness)
        try:
            answer = client.offer(note, head.size, lambda old: _proof(log, old, head.size))
            signatures.append(answer.signature)
        except WitnessDisagrees as error:
            raise Altered(None, f"the log is not the one that was witnessed: {error}") from None
        except WitnessUnavailable as error:
            faults.append(str(error))
        finally:
            client.close()
    _check_quorum(Note(note.text, tuple(signatures)), key, policy, faults)


def _check_quorum(
    note: Note, key: VerifierKey, policy: WitnessPolicy, faults: Sequence[str]
) -> None:
    try:
        checked_checkpoint(bytes(note), key, policy)
    except (NoteMalformed, SignatureInvalid) as error:
        raise Altered(None, f"the newest checkpoint {error}") from None
    except QuorumMissing as error:
        raise LogUnverifiable("; ".join([str(error), *faults])) from None


def _proof(log: VerifiedLog, old: int, new: int) -> list[bytes]:
    def tile(level: int, number: int) -> bytes:
        return log.tile(level, number, width_in(new, level, number)) or b""

    return consistency_proof(old, new, node_hashes(tile))
