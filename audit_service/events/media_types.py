"""Media types, as RFC 2046 writes them and the CloudEvents formats use them."""

import codecs
import re

from audit_service.events.bounded_cache import bounded_cache

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of RFC 7230, no password
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"'
# Possessive: a space that two `;` could claim would double the time of each that fails.
_PARAMETER = rf"[ \t]*+;[ \t]*+(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?"
_MEDIA_TYPE = re.compile(rf"({_TOKEN}/{_TOKEN})((?:{_PARAMETER})*)[ \t]*")
_PARAMETERS = re.compile(_PARAMETER)
_UTF8 = {"utf-8", "utf8", "us-ascii", "ascii"}
# What Python takes for an encoding of text and is no charset; two of them take quadratic time.
_NO_CHARSETS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}


@bounded_cache
def parse(text: str) -> tuple[str, str | None] | None:
    """`type/subtype` and the charset, both in lower case; None where the text is no media type."""
    match = _MEDIA_TYPE.fullmatch(text)
    if match is None:
        return None
    charsets = [
        value.strip('"').lower()
        for name, value in _PARAMETERS.findall(match[2])
        if name.lower() == "charset"
    ]
    return match[1].lower(), charsets[0] if charsets else None


def essence(text: str | None) -> str:
    """`type/subtype` in lower case; empty where there is none."""
    parsed = parse(text) if text else None
    return parsed[0] if parsed else ""


def charset(text: str | None) -> str | None:
    """The charset that is declared, in lower case."""
    parsed = parse(text) if text else None
    return parsed[1] if parsed else None


def codec(text: str | None) -> str:
    """The name of Python's codec for text of this media type. Raises LookupError."""
    name = codecs.lookup(charset(text) or "utf-8").name
    if name.replace("-", "_") in _NO_CHARSETS:
        raise LookupError(f"{name} is no charset")
    return name


def is_json(text: str | None) -> bool:
    """Whether it declares JSON: `*/json` or `*/*+json` (JSON format, 3.1.1)."""
    subtype = essence(text).partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def is_utf8(text: str | None) -> bool:
    """Whether text of this media type is UTF-8, as it is unless a charset says otherwise."""
    declared = charset(text)
    return declared is None or declared in _UTF8
