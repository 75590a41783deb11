"""Proofs of C2SP tlog-proof: that an entry is in a log, as a text that is checked offline."""

from dataclasses import dataclass
from typing import Final

from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint, parse_size
from audit_service.evidence.cosignatures import cosignatures
from audit_service.evidence.merkle import HASH_SIZE, ProofInvalid, proven_root
from audit_service.evidence.note_keys import VerifierKey, from_base64, to_base64
from audit_service.evidence.witness_policy import WitnessPolicy

HEADER: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"
MAX_HASHES: Final = 63
_EXTRA: Final = "extra "
_INDEX: Final = "index "


class ProofMalformed(Exception):
    """A text is no proof; the message says why."""


class QuorumMissing(Exception):
    """Too few witnesses of the policy cosigned a checkpoint."""


@dataclass(frozen=True)
class LogProof:
    """An inclusion proof of the leaf with an index, and the checkpoint, signed, that it leads to.

    `extra` is the application's own, and proves nothing by itself.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"{_EXTRA}{to_base64(self.extra)}")
        lines.append(f"{_INDEX}{self.index}")
        lines += map(to_base64, self.hashes)
        return "".join(f"{line}\n" for line in [*lines, ""]).encode() + self.checkpoint

    def check(self, leaf: bytes, key: VerifierKey, policy: WitnessPolicy) -> Checkpoint:
        """The checkpoint that has the leaf, by its hash, at the index.

        Raises NoteMalformed or SignatureInvalid where the log whose key this is did not sign it,
        QuorumMissing where too few witnesses did, and ProofInvalid.
        """
        checkpoint = checked_checkpoint(self.checkpoint, key, policy)
        if proven_root(self.index, checkpoint.size, leaf, self.hashes) != checkpoint.root:
            raise ProofInvalid("the event is not in the log at this index")
        return checkpoint


def checked_checkpoint(content: bytes, key: VerifierKey, policy: WitnessPolicy) -> Checkpoint:
    """A checkpoint by the log whose key this is and by enough witnesses. Raises as `check` does."""
    checkpoint, note = open_checkpoint(content, key)
    found = cosignatures(note.text, note.signatures, policy.witness_keys)
    if not policy.is_met({each.key for each in found}):
        raise QuorumMissing("too few witnesses of the policy cosigned the checkpoint")
    return checkpoint


def parse_proof(content: bytes) -> LogProof:
    """Raises ProofMalformed. Of the checkpoint nothing is looked at."""
    head, blank, checkpoint = content.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ProofMalformed("is not ASCII before its checkpoint") from None
    if first != HEADER or not blank:
        raise ProofMalformed(f"does not begin with {HEADER}, or has no checkpoint")
    extra = None
    if lines and lines[0].startswith(_EXTRA):
        extra = from_base64(lines.pop(0).removeprefix(_EXTRA))
        if extra is None:
            raise ProofMalformed("has extra data that are no Base64")
    index = parse_size(lines.pop(0).removeprefix(_INDEX)) if _has_index(lines) else None
    if index is None:
        raise ProofMalformed("has no index")
    return LogProof(index, _hashes(lines), checkpoint, extra)


def _has_index(lines: list[str]) -> bool:
    return bool(lines) and lines[0].startswith(_INDEX)


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    hashes = [from_base64(line) for line in lines]
    sound = tuple(each for each in hashes if each is not None and len(each) == HASH_SIZE)
    if len(sound) != len(lines) or len(lines) > MAX_HASHES:
        raise ProofMalformed("has a line that is no hash, or too many")
    return sound
