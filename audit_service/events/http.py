"""Events out of HTTP messages (HTTP Protocol Binding 1.0.2), in all three content modes.

`from_http` builds every event. It is lenient where the specification is not: what it would
lose or repair is checked before it is called, or at its two seams, a format and a factory.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import quote, unquote_to_bytes

from cloudevents.core.bindings.http import HTTPMessage, from_http

from audit_service.events import json_text, media_types
from audit_service.events.attributes import REQUIRED, check
from audit_service.events.event import (
    BatchRejected,
    Event,
    EventRejected,
    TooManyEvents,
    UnsupportedFormat,
)
from audit_service.events.json_text import NotJson
from audit_service.events.structured import STRICT_JSON

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"

# A quoted string, or one that is not closed: tried once, so that no value takes long.
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)("?)')
_BACKSLASH_ESCAPE = re.compile(r"\\(.)")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNESCAPED = "".join(c for c in map(chr, range(0x21, 0x7F)) if c not in '"%')


class ContentMode(Enum):
    """How a message carries events (1.3)."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCH = "batch"


def content_mode(content_type: str) -> ContentMode:
    """The mode that a Content-Type header announces, "" where there is none (3).

    Raises UnsupportedFormat for an event format, or a charset of it, that is not read here.
    """
    if not content_type.lstrip().lower().startswith("application/cloudevents"):
        return ContentMode.BINARY
    essence = media_types.essence(content_type)
    if essence not in {STRUCTURED, BATCH}:
        raise UnsupportedFormat(f"only {STRUCTURED} and {BATCH} are read here")
    if not media_types.is_utf8(content_type):
        raise UnsupportedFormat("JSON is read in UTF-8 only")
    return ContentMode.STRUCTURED if essence == STRUCTURED else ContentMode.BATCH


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
    return _read_batch(body, max_events)


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
    return cast("Event", from_http(message, STRICT_JSON, partial(_event, time=time)))


def _read_structured(body: bytes) -> Event:
    """One event; `ce-` headers beside it are copies at best (3.2.3) and are not looked at."""
    message = HTTPMessage(headers={"content-type": STRUCTURED}, body=body)
    return cast("Event", from_http(message, STRICT_JSON, _event))


def _read_batch(body: bytes, max_events: int) -> Sequence[Event]:
    try:
        items = list(islice(json_text.items(json_text.text_of(body)), max_events + 1))
    except NotJson as reason:
        raise EventRejected(None, f"the batch is not JSON: {reason}") from None
    if len(items) > max_events:
        raise TooManyEvents(max_events)
    events: list[Event] = []
    rejected: dict[int, EventRejected] = {}
    for index, (value, text) in enumerate(items):
        try:
            events.append(_read_item(value, text, events))
        except EventRejected as rejection:
            # Anew, without the traceback: thousands of them would fill the memory.
            rejected[index] = EventRejected(rejection.attribute, rejection.rule)
    if rejected:
        raise BatchRejected(rejected)
    return events


def _read_item(value: Any, text: str, before: Sequence[Event]) -> Event:
    """The next event of a batch, after those that were read before it (3.3.2).

    The SDK knows no batches; the format and the factory that read a single event read it.
    """
    event = cast("Event", STRICT_JSON.event_of(value, text, _event))
    if before and event.specversion != before[0].specversion:
        raise EventRejected("specversion", "must be the same in all events of a batch")
    return event


def _event(attributes: dict[str, Any], data: Any, time: str | None = None) -> Event:
    """The factory that `from_http` calls: the seam at which attributes are judged."""
    if time is not None:
        attributes["time"] = time
    return Event(MappingProxyType(check(attributes)), data)


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
