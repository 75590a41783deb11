"""Events out of HTTP messages (HTTP Protocol Binding 1.0.2), in all three content modes.

`from_http` builds every event. It is lenient where the specification is not: what it would
lose or repair is checked before it is called, or at its two seams, a format and a factory.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast
from urllib.parse import quote, unquote_to_bytes

from cloudevents.core.bindings.http import HTTPMessage, from_http

from audit_service.events.attributes import REQUIRED
from audit_service.events.content_mode import (
    STRUCTURED,
    ContentMode,
    content_mode,
    event_of,
    read_batch,
)
from audit_service.events.event import Event, EventRejected
from audit_service.events.json_format import STRICT_JSON

# A quoted string, or one that is not closed: tried once, so that no value takes long.
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)("?)')
_BACKSLASH_ESCAPE = re.compile(r"\\(.)")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNESCAPED = "".join(c for c in map(chr, range(0x21, 0x7F)) if c not in '"%')


def read(headers: Mapping[str, str], body: bytes, max_events: int = 10_000) -> Sequence[Event]:
    """The events of a message: one, or those of a batch, in its order.

    `headers`: by lower-case name, the values as WSGI gives them.
    `max_events`: how many a batch may have.
    Raises EventRejected, BatchRejected, TooManyEvents, UnsupportedFormat.
    """
    mode = content_mode(headers.get("content-type", ""))
    if mode is ContentMode.BINARY:
        return [_read_binary(headers, body)]
    if mode is ContentMode.STRUCTURED:
        return [_read_structured(body)]
    return read_batch(body, max_events)


def _read_binary(headers: Mapping[str, str], body: bytes) -> Event:
    _check_required(headers)
    given = {}
    time = None
    for name, value in headers.items():
        if name == "content-type" and value:
            given[name] = value
        elif name == "ce-time":
            # Kept from `from_http`, which would make a datetime of it, and lose digits.
            time = _decoded("time", value)
        elif name.startswith("ce-"):
            given[name] = _normalised(name[3:], value)
    message = HTTPMessage(headers=given, body=body)
    return cast("Event", from_http(message, STRICT_JSON, partial(event_of, time=time)))


def _read_structured(body: bytes) -> Event:
    """One event; `ce-` headers beside it are copies at best (3.2.3) and are not looked at."""
    message = HTTPMessage(headers={"content-type": STRUCTURED}, body=body)
    return cast("Event", from_http(message, STRICT_JSON, event_of))


def _check_required(headers: Mapping[str, str]) -> None:
    for name in REQUIRED:
        if f"ce-{name}" not in headers:
            rule = f"is required, and there is no ce-{name} header"
            if not any(header.startswith("ce-") for header in headers):
                rule += f"; a structured event has Content-Type {STRUCTURED}"
            raise EventRejected(name, rule)


def _normalised(attribute: str, value: str) -> str:
    """The header's value in the one form that `from_http` decodes right."""
    if attribute == "datacontenttype":
        raise EventRejected(attribute, "must be the Content-Type header, not one of its own")
    decoded = _decoded(attribute, value)
    return quote(decoded, safe=_UNESCAPED) if '"' in value else value


def _decoded(attribute: str, value: str) -> str:
    """The attribute's value: unquoted, then percent-decoded once (3.1.3.2)."""
    if not (value.isascii() and value.isprintable()):
        raise EventRejected(attribute, "has a character that must be percent-encoded in a header")
    if '"' in value:
        value = _unquoted(attribute, value)
    if "%" not in value:
        return value
    if _BROKEN_ESCAPE.search(value):
        raise EventRejected(attribute, "has a '%' that two hexadecimal digits do not follow")
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise EventRejected(attribute, "is percent-encoded, but not from UTF-8") from None


def _unquoted(attribute: str, value: str) -> str:
    """The value with its double-quoted strings unescaped (RFC 7230, section 3.2.6)."""
    if any(not quoted[2] for quoted in _QUOTED_STRING.finditer(value)):
        raise EventRejected(attribute, "has a double quote that is not closed")
    return _QUOTED_STRING.sub(lambda quoted: _BACKSLASH_ESCAPE.sub(r"\1", quoted[1]), value)
