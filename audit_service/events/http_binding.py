"""Reader of HTTP messages (HTTP Protocol Binding 1.0.2), in all three content modes.

`from_http` builds every event. It is lenient where the specification is not: what it would
lose or repair is checked before it is called, or at its two seams, a format and a factory.
"""

import re
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import quote, unquote_to_bytes

from cloudevents.core.bindings.http import HTTPMessage, from_http

from audit_service.events import media_types
from audit_service.events.attributes import REQUIRED, check_name, is_uri_reference
from audit_service.events.content_mode import (
    STRUCTURED,
    ContentMode,
    EventFactory,
    content_mode,
    read_batch,
)
from audit_service.events.event import Event, EventRejected, Rule
from audit_service.events.limits import DEFAULT_LIMITS, Limits
from audit_service.events.tolerance import STRICT, Leniency, Tolerance, Tolerances

# A quoted string, or one that is not closed: tried once, so that no value takes long.
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)("?)')
_BACKSLASH_ESCAPE = re.compile(r"\\(.)")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URIS = {"source", "dataschema"}
_UNESCAPED = "".join(c for c in map(chr, range(0x21, 0x7F)) if c not in '"%')


def read(
    headers: Mapping[str, str],
    body: bytes,
    limits: Limits = DEFAULT_LIMITS,
    tolerate: Tolerances = STRICT,
) -> Sequence[Event]:
    """The events of a message: one, or those of a batch, in its order.

    `headers`: by lower-case name, the values as WSGI gives them.
    `limits`: those but of the body's length. `tolerate`: the deviations that are let in.
    Raises EventRejected, BatchRejected, TooManyEvents, TooManyValues, UnsupportedFormat.
    """
    mode = content_mode(headers.get("content-type", ""))
    if mode is ContentMode.BINARY:
        return [_read_binary(headers, body, limits, Leniency(tolerate))]
    if mode is ContentMode.STRUCTURED:
        return [_read_structured(body, limits, Leniency(tolerate))]
    return read_batch(body, limits, tolerate)


def _read_binary(
    headers: Mapping[str, str], body: bytes, limits: Limits, leniency: Leniency
) -> Event:
    _check_required(headers)
    given = {}
    kept = {}
    for name, value in headers.items():
        attribute = name[3:]
        if name == "content-type":
            if value:
                given[name] = value
        elif not name.startswith("ce-"):
            continue
        elif attribute == "datacontenttype":
            declared = _decoded(attribute, value, leniency)
            given["content-type"] = _agreed(declared, headers.get("content-type"), leniency)
        elif attribute == "time":
            # `from_http` would make a datetime of it, and lose digits.
            kept[attribute] = _decoded(attribute, value, leniency)
        elif "-" in attribute:
            check_name(attribute, leniency)
            # WSGI has one character for `-` and `_`, and no case: `_` is what is sent most.
            kept[attribute.replace("-", "_")] = _decoded(attribute, value, leniency)
        else:
            given[name] = _normalised(attribute, value, leniency)
    message = HTTPMessage(headers=given, body=body)
    factory = EventFactory(leniency, limits, kept)
    return cast("Event", from_http(message, factory.json_format, factory))


def _read_structured(body: bytes, limits: Limits, leniency: Leniency) -> Event:
    """One event; `ce-` headers beside it are copies at best (3.2.3) and are not looked at."""
    message = HTTPMessage(headers={"content-type": STRUCTURED}, body=body)
    factory = EventFactory(leniency, limits)
    return cast("Event", from_http(message, factory.json_format, factory))


def _check_required(headers: Mapping[str, str]) -> None:
    for name in REQUIRED:
        if f"ce-{name}" not in headers:
            rule = f"is required, and there is no ce-{name} header"
            if not any(header.startswith("ce-") for header in headers):
                rule += f"; a structured event has Content-Type {STRUCTURED}"
            raise EventRejected(name, rule, Rule.REQUIRED)


def _agreed(declared: str, content_type: str | None, leniency: Leniency) -> str:
    """The one media type that `ce-datacontenttype` and Content-Type both say (3.1.1)."""
    if not leniency.lets_in(Tolerance.DATACONTENTTYPE_HEADER):
        raise EventRejected(
            "datacontenttype",
            "must be the Content-Type header, not one of its own",
            Rule.DATACONTENTTYPE,
        )
    if not content_type:
        return declared
    if media_types.parse(declared) != media_types.parse(content_type):
        raise EventRejected(
            "datacontenttype", "says another media type than Content-Type", Rule.DATACONTENTTYPE
        )
    return content_type


def _normalised(attribute: str, value: str, leniency: Leniency) -> str:
    """The header's value in the one form that `from_http` decodes right."""
    decoded = _decoded(attribute, value, leniency)
    as_it_came = decoded is value and "%" not in value
    return value if as_it_came else quote(decoded, safe=_UNESCAPED)


def _decoded(attribute: str, value: str, leniency: Leniency) -> str:
    """The attribute's value: unquoted, then percent-decoded once (3.1.3.2)."""
    text = value
    if not (text.isascii() and text.isprintable()):
        text = _raw_text(attribute, text, leniency)
    if '"' in text:
        text = _unquoted(attribute, text, leniency)
    if "%" in text:
        text = _unescaped(attribute, text, leniency)
    return text


def _raw_text(attribute: str, value: str, leniency: Leniency) -> str:
    """The text of a value that was sent unencoded: UTF-8, or else ISO 8859-1 (RFC 9110, 5.5)."""
    if value.isascii() or not leniency.lets_in(Tolerance.RAW_HEADER_VALUES):
        raise EventRejected(
            attribute, "has a character that must be percent-encoded in a header", Rule.HEADER_VALUE
        )
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _unescaped(attribute: str, value: str, leniency: Leniency) -> str:
    """The value, percent-decoded; unencoded, a `%` that begins no escape is itself."""
    encoded = value
    if _BROKEN_ESCAPE.search(value):
        if not leniency.lets_in(Tolerance.RAW_HEADER_VALUES):
            raise EventRejected(
                attribute, "has a '%' that two hexadecimal digits do not follow", Rule.HEADER_VALUE
            )
        encoded = _BROKEN_ESCAPE.sub("%25", value)
    try:
        decoded = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise EventRejected(
            attribute, "is percent-encoded, but not from UTF-8", Rule.HEADER_VALUE
        ) from None
    return value if _is_uri_undecoded(attribute, value, decoded, leniency) else decoded


def _is_uri_undecoded(attribute: str, value: str, decoded: str, leniency: Leniency) -> bool:
    """Whether a URI was sent as it is, its own escapes included, and is one only so."""
    return (
        attribute in _URIS
        and not is_uri_reference(decoded)
        and is_uri_reference(value)
        and leniency.lets_in(Tolerance.RAW_HEADER_VALUES)
    )


def _unquoted(attribute: str, value: str, leniency: Leniency) -> str:
    """The value with its double-quoted strings unescaped (RFC 7230, section 3.2.6)."""
    if any(not quoted[2] for quoted in _QUOTED_STRING.finditer(value)):
        if leniency.lets_in(Tolerance.RAW_HEADER_VALUES):
            return value
        raise EventRejected(attribute, "has a double quote that is not closed", Rule.HEADER_VALUE)
    return _QUOTED_STRING.sub(lambda quoted: _BACKSLASH_ESCAPE.sub(r"\1", quoted[1]), value)
