"""Lossless JSON: values of texts of which a decoder loses nothing, and which it reads fast."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

LOSSY: Final = object()

PART_BYTES: Final = 256 * 1024
TRIES: Final = 16


def lossless(text: bytes) -> Any:
    """The value, in dicts, floats and so on, if the text is the one way to write it; else LOSSY.

    So it is with what most producers write, compact JSON: nothing is lost in such a value, no
    repeat, literal or escape, and no source text need be kept. LOSSY, too, where it is not JSON.
    """
    try:
        # A view, since orjson refuses subclasses of bytes, such as JsonText.
        value = orjson.loads(memoryview(text))
        return value if orjson.dumps(value) == text else LOSSY
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return LOSSY


def lossless_items(text: bytes, part_bytes: int = PART_BYTES) -> Iterator[Any]:
    """Each item of an array as `lossless` has it; LOSSY in place of the first that it has not, and
    nothing after it.

    It parses about `part_bytes` at a time: nothing else in the process can go on meanwhile.
    """
    if text[:1] != b"[":
        yield LOSSY
        return
    items, begin = _lossless_part(text, 1, part_bytes)
    while items is not LOSSY and begin < len(text):
        yield from items
        items, begin = _lossless_part(text, begin, part_bytes)
    yield from [LOSSY] if items is LOSSY else items


def _lossless_part(text: bytes, begin: int, part_bytes: int) -> tuple[Any, int]:
    """The items of an array from one of them on, and where the next begins, or the text ends.

    What is an array once it is closed ends after one of its items: in a string or within an item
    it would be no JSON.
    """
    end = begin + part_bytes
    for _ in range(TRIES):
        end = text.find(b"},{", end)
        if end < 0:
            break
        items = lossless(b"[%b}]" % text[begin:end])
        if items is not LOSSY:
            return items, end + 2
        end += max(1, part_bytes // TRIES)
    return lossless(text if begin == 1 else b"[%b" % text[begin:]), len(text)
