"""Checkpoints of C2SP tlog-checkpoint: origin, size and root of a log, as a signed note."""

import re
from dataclasses import dataclass
from typing import Final

from audit_service.evidence.merkle import HASH_SIZE
from audit_service.evidence.note_keys import SigningKey, VerifierKey, from_base64, to_base64
from audit_service.evidence.notes import Note, NoteMalformed, parse_note, sign_note, verified

MAX_SIZE: Final = 2**63 - 1
_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
_LINES = 3


@dataclass(frozen=True)
class Checkpoint:
    """A tree's head: who issued it, how many leaves it has, and its root of 32 bytes."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of its note."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> Note:
    """Its note. The key's name MUST be the origin, and the caller sure that the tree is consistent
    with every one that the key signed before.
    """
    if key.name != checkpoint.origin:
        raise ValueError(f"the key of {key.name} does not sign for {checkpoint.origin}")
    return sign_note(checkpoint.text, key)


def parse_size(text: str) -> int | None:
    """A tree's size in decimal without leading zeros; None where it is none."""
    size = int(text) if _SIZE.fullmatch(text) else MAX_SIZE + 1
    return size if size <= MAX_SIZE else None


def parse_checkpoint(text: str) -> Checkpoint:
    """The text of a note as a checkpoint. Raises NoteMalformed."""
    lines = text.split("\n")
    if len(lines) <= _LINES or lines.pop() or not all(lines):
        raise NoteMalformed("is no checkpoint: three lines or more, none of them empty")
    origin, digits, encoded, *extensions = lines
    size, root = parse_size(digits), from_base64(encoded)
    if size is None or root is None or len(root) != HASH_SIZE:
        raise NoteMalformed("is no checkpoint: the size or the root is none")
    return Checkpoint(origin, size, root, tuple(extensions))


def open_checkpoint(content: bytes, key: VerifierKey) -> tuple[Checkpoint, Note]:
    """A checkpoint of the log whose key this is, and its note with all signatures.

    Raises NoteMalformed, or SignatureInvalid where the key did not sign it, or it is of another
    origin.
    """
    note = parse_note(content)
    checkpoint = parse_checkpoint(note.text)
    verified(note, [key])
    if checkpoint.origin != key.name:
        raise NoteMalformed("is a checkpoint of another log")
    return checkpoint, note
