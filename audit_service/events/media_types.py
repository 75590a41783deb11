"""Media types, as RFC 2046 writes them and the CloudEvents formats use them."""

import codecs
import encodings
import pkgutil
import re
from collections.abc import Set as AbstractSet
from encodings.aliases import aliases
from functools import cache

from audit_service.events.bounded_cache import bounded_cache

# Possessive throughout: each character is looked at once, and no way back is remembered, whatever
# the text. Senders choose it, and it may be as long as an event.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105 - a token of RFC 7230, no password
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+"'
_PARAMETER = rf"[ \t]*+;[ \t]*+(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?+"
_MEDIA_TYPE = re.compile(rf"({_TOKEN}/{_TOKEN})((?:{_PARAMETER})*+)[ \t]*+")
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
    return match[1].lower(), _charset_of(match[2])


def _charset_of(parameters: str) -> str | None:
    """The first charset that the parameters name, in lower case."""
    if "charset" not in parameters.lower():
        # To look at a million parameters one by one takes ten times as long as to match them.
        return None
    for parameter in _PARAMETERS.finditer(parameters):
        name, value = parameter.groups()
        if name and name.lower() == "charset":
            return value.strip('"').lower()
    return None


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
    name = encodings.normalize_encoding(charset(text) or "utf-8")
    name = aliases.get(name) or aliases.get(name.replace(".", "_")) or name
    if name not in _charsets():
        raise LookupError("is no charset")
    return codecs.lookup(name).name


@cache
def _charsets() -> AbstractSet[str]:
    """The names of Python's codecs, as it spells them.

    It MUST NOT be asked for another: it keeps each in memory for ever, found or not.
    """
    modules = {module.name for module in pkgutil.iter_modules(encodings.__path__)}
    return modules.union(aliases.values()) - _NO_CHARSETS


def is_json(text: str | None) -> bool:
    """Whether it declares JSON: `*/json` or `*/*+json` (JSON format, 3.1.1)."""
    subtype = essence(text).partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def is_utf8(text: str | None) -> bool:
    """Whether text of this media type is UTF-8, as it is unless a charset says otherwise."""
    declared = charset(text)
    return declared is None or declared in _UTF8
