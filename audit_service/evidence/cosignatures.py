"""Cosignatures of C2SP tlog-cosignature, with Ed25519: what a witness says of a checkpoint.

It says that at a time the tree was the largest consistent one that it had seen of this log.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from audit_service.evidence.note_keys import Algorithm, VerifierKey
from audit_service.evidence.notes import Signature, SignatureInvalid

_TIME: Final = 8
_SIGNATURE: Final = 64
_LATEST: Final = 2**63 - 1


@dataclass(frozen=True)
class Cosignature:
    """A signature line that holds, the key that made it, and when: seconds since 1970."""

    key: VerifierKey
    signature: Signature
    time: int


def cosigned_message(text: str, time: int) -> bytes:
    """The bytes that a witness signs: two lines of its own, and the checkpoint's text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def timestamped(time: int, signature: bytes) -> bytes:
    """The content of a signature line: `timestamped_signature` of the specification."""
    return time.to_bytes(_TIME, "big") + signature


def cosignatures(
    text: str, signatures: Iterable[Signature], keys: Iterable[VerifierKey]
) -> tuple[Cosignature, ...]:
    """Those by the witnesses whose keys these are, one of each at most: the latest.

    Those by others are ignored. Raises SignatureInvalid where one by a known key does not hold.
    """
    by_key = {(k.name, k.key_id): k for k in keys if k.algorithm is Algorithm.COSIGNATURE}
    found: dict[VerifierKey, Cosignature] = {}
    for signature in signatures:
        key = by_key.get((signature.name, signature.key_id))
        if key is None:
            continue
        time = _time_of(text, signature, key)
        if key not in found or found[key].time < time:
            found[key] = Cosignature(key, signature, time)
    return tuple(found.values())


def _time_of(text: str, signature: Signature, key: VerifierKey) -> int:
    content = signature.content
    time = int.from_bytes(content[:_TIME], "big")
    if (
        len(content) != _TIME + _SIGNATURE
        or time > _LATEST
        or not key.holds(cosigned_message(text, time), content[_TIME:])
    ):
        raise SignatureInvalid(f"the cosignature by {key.name} does not hold")
    return time
