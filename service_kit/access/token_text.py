"""Text of a token: `PREFIX_` and 256 random bits with a check, by which people and secret scanners
know it. What is kept is its SHA-256, which so many bits need no salt for.
"""

import hashlib
import re
import secrets
import string
from functools import lru_cache
from typing import Final
from zlib import crc32

ALPHABET: Final = string.digits + string.ascii_letters
BYTES: Final = 32
BODY: Final = 43
"""Characters of ALPHABET for so many bytes."""
CHECK: Final = 6
"""And for a CRC-32."""


_VISIBLE = re.compile(r"[!-~]*")
_ANY = re.compile(f"[a-z]{{3}}_[0-9A-Za-z]{{{BODY + CHECK}}}")


def make(prefix: str) -> tuple[str, bytes]:
    """A token that there never was, and what is kept of it."""
    body = _base62(int.from_bytes(secrets.token_bytes(BYTES)), BODY)
    text = f"{prefix}_{body}{_check(prefix, body)}"
    return text, _digest(text)


def digest_of(text: str, prefix: str) -> bytes | None:
    """What is kept of a token; None where the text is none of that prefix."""
    match = _form(prefix).fullmatch(text)
    if match is None or match[2] != _check(prefix, match[1]):
        return None
    return _digest(text)


def can_be_sent(text: str) -> bool:
    """Whether the text can be a header's token, of whatever kind: visible characters of ASCII."""
    return _VISIBLE.fullmatch(text) is not None


def redact(text: str) -> str:
    """The text without tokens of any service."""
    return _ANY.sub("***", text)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@lru_cache
def _form(prefix: str) -> re.Pattern[str]:
    return re.compile(f"{prefix}_([0-9A-Za-z]{{{BODY}}})([0-9A-Za-z]{{{CHECK}}})")


def _check(prefix: str, body: str) -> str:
    return _base62(crc32(f"{prefix}_{body}".encode()), CHECK)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
