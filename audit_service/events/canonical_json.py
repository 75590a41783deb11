"""Canonical JSON: one text for all that differ only in whitespace, escapes and member order."""

from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any, Final

import orjson

from audit_service.events.lossless_json import LOSSY, lossless
from audit_service.events.strict_json import Members, Number, decode, text_of

_COMPOUND: Final = {Members, list}
_CONSTANTS: Final = {None: "null", True: "true", False: "false"}


def canonical(text: bytes) -> bytes:
    """One text for all that differ only in insignificant whitespace, escapes, member order.

    Number literals are kept as written; equal names keep their order. Unpaired surrogates,
    which JSON can write and UTF-8 cannot, are in it as if it could. Raises NotJson.
    """
    value = lossless(text)
    if value is not LOSSY:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return _canonical(decode(text_of(text))).encode(errors="surrogatepass")


def _canonical(value: Any) -> str:
    parts: list[str] = []
    # No recursion: what the decoder could read MUST have a canonical form, however deep it is.
    pending = [_pieces(value)]
    while pending:
        for piece in pending[-1]:
            if isinstance(piece, str):
                parts.append(piece)
            else:
                pending.append(_pieces(piece))
                break
        else:
            pending.pop()
    return "".join(parts)


def _pieces(value: Any) -> Iterator[str | Members | list[Any]]:
    """The canonical text of a value; an object or array in it is given as it is, in its place."""
    if type(value) is Members:
        before = "{"
        for name, item in sorted(value, key=lambda member: member[0]):
            yield f"{before}{encode_basestring(name)}:"
            yield item if type(item) in _COMPOUND else _scalar(item)
            before = ","
        yield "}" if value else "{}"
    elif type(value) is list:
        before = "["
        for item in value:
            yield before
            yield item if type(item) in _COMPOUND else _scalar(item)
            before = ","
        yield "]" if value else "[]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    kind = type(value)
    if kind is Number:
        return str(value)
    return encode_basestring(value) if kind is str else _CONSTANTS[value]
