"""The Idempotency-Key header (the IETF's draft "The Idempotency-Key HTTP Header Field")."""

import re

MAX_LENGTH = 255

_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"')
_BARE = re.compile(r"[\x21\x23-\x7e]+")


class InvalidKey(Exception):
    """The header is no key."""


def parse(header: str | None) -> str | None:
    """The key; quoted, as the draft has it, or bare, it is the same key.

    None where there is no header. Raises InvalidKey.
    """
    if header is None:
        return None
    text = header.strip(" \t")
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise InvalidKey
    if len(key) > MAX_LENGTH:
        raise InvalidKey
    return key
