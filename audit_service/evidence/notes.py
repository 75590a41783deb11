"""Signed notes of C2SP signed-note: a text, and who signed it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from audit_service.evidence.note_keys import (
    KEY_ID,
    Algorithm,
    SigningKey,
    VerifierKey,
    from_base64,
    is_name,
    to_base64,
)

MAX_NOTE: Final = 1_000_000
MAX_SIGNATURES: Final = 100
_LINE_START: Final = "\N{EM DASH} "
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteMalformed(Exception):
    """A text is no signed note; the message says why."""


class SignatureInvalid(Exception):
    """No known key signed the note, or the signature of one does not hold."""


@dataclass(frozen=True)
class Signature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    content: bytes

    def __str__(self) -> str:
        return f"{_LINE_START}{self.name} {to_base64(self.key_id + self.content)}\n"


@dataclass(frozen=True)
class Note:
    """A text, its last newline included, and who signed it. Nothing of it is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()


def sign_note(text: str, key: SigningKey) -> Note:
    """The text, which ends in a newline, signed."""
    signature = Signature(key.name, key.verifier.key_id, key.sign(text.encode()))
    return Note(text, (signature,))


def parse_note(content: bytes) -> Note:
    """Raises NoteMalformed."""
    if len(content) > MAX_NOTE:
        raise NoteMalformed("is too long")
    try:
        note = content.decode()
    except UnicodeDecodeError:
        raise NoteMalformed("is not UTF-8") from None
    if _CONTROLS.search(note):
        raise NoteMalformed("has control characters")
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise NoteMalformed("has no text, no blank line after it, or no signatures")
    return Note(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Signature lines, each with its newline. Raises NoteMalformed."""
    each = lines.removesuffix("\n").split("\n")
    if len(each) > MAX_SIGNATURES:
        raise NoteMalformed("has too many signatures")
    return tuple(map(_parse_signature, each))


def verified(note: Note, keys: Iterable[VerifierKey]) -> tuple[Signature, ...]:
    """The signatures by these keys, of ED25519 alone; those by others are ignored.

    Raises SignatureInvalid where there is none, or one of them does not hold.
    """
    by_key = {(key.name, key.key_id): key for key in keys if key.algorithm is Algorithm.ED25519}
    known = []
    for signature in note.signatures:
        key = by_key.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.holds(note.text.encode(), signature.content):
            raise SignatureInvalid(f"the signature by {key.name} does not hold")
        known.append(signature)
    if not known:
        raise SignatureInvalid("is not signed by a key that is known")
    return tuple(known)


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_LINE_START).partition(" ")
    content = from_base64(encoded)
    if not line.startswith(_LINE_START) or not space or not is_name(name) or content is None:
        raise NoteMalformed("has a line among its signatures that is none")
    if len(content) <= KEY_ID:
        raise NoteMalformed("has a signature that is too short")
    return Signature(name, content[:KEY_ID], content[KEY_ID:])
