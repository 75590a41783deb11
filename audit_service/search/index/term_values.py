"""Values in terms: what a term keeps of a long or odd one, and of what it may stand for, too."""

import re
from typing import Final
from zlib import crc32

LONG: Final = 100
"""Characters of a value past which it is cut."""
UUID_PART: Final = 18
"""Characters that are kept of a UUID: 60 bits of it."""

_ODD = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_UUID_BEGIN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}")
_UUID = re.compile(_UUID_BEGIN.pattern + r"-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_LENGTH: Final = 36


def is_exact(value: str) -> bool:
    """Whether the term of that value stands for nothing else.

    That of a UUID's begin stands for the UUIDs that begin so, too.
    """
    return len(value) <= LONG and not _is_cut_uuid(value) and is_kept(value)


def is_exact_prefix(value: str) -> bool:
    """Whether what begins as the term of that value does has that prefix."""
    return len(value) <= LONG and is_kept(value)


def plain(text: str) -> str:
    """The text without characters that a term cannot have."""
    return text if text.isprintable() else _ODD.sub(_REPLACEMENT, text)


def uuid_prefix(value: str) -> str | None:
    """What is kept of a UUID that begins so, where it is longer than that; None otherwise."""
    if len(value) > UUID_PART and _UUID_BEGIN.match(value):
        return value[:UUID_PART]
    return None


def kept(value: str) -> str:
    """What a term keeps of a value."""
    if len(value) < _UUID_LENGTH and value.isprintable():
        return value
    value = plain(value)
    if _is_uuid(value):
        return value[:UUID_PART]
    return value if len(value) <= LONG else f"{value[:LONG]}{crc32(value.encode()):08x}"


def is_kept(text: str) -> bool:
    """Whether a term has all of its characters."""
    return _REPLACEMENT not in plain(text)


def _is_cut_uuid(value: str) -> bool:
    return _is_uuid(value) or _UUID_BEGIN.fullmatch(value) is not None


def _is_uuid(value: str) -> bool:
    return len(value) == _UUID_LENGTH and _UUID.fullmatch(value) is not None
