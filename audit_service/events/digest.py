"""Digest: the hash by which two messages are the same event.

The canonical form, version 2: the line `cloudevent 2`; for each attribute, sorted by name,
`NAME LENGTH VALUE` and a line end, where VALUE is the canonical string of the attribute's
type in UTF-8 and LENGTH its bytes in decimal; then `json LENGTH DATA` or `bytes LENGTH DATA`,
or nothing where there is no data. JSON is without insignificant whitespace, its members
sorted, its escapes minimal and its number literals as written.

`time` is its instant, in UTC and without trailing zeros: a timestamp is no string ("Type
System"). `datacontenttype` is filled in where the JSON format implies it; it is left out where
it says `application/json` of no data, and so is a charset by which JSON is UTF-8. Bytes without
a media type that are JSON are that JSON. `datacontentencoding` of 0.3 is left out, for it
is of the encoding and not of the event.

Version 1 had `time` as it came, media types as they came, and bytes without one as bytes.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from audit_service.events import canonical_json, media_types, strict_json
from audit_service.events.bounded_cache import bounded_cache
from audit_service.events.event import Event, JsonText, Value
from audit_service.events.instant import instant
from audit_service.events.strict_json import NotJson

CANONICAL_VERSION: Final = 2
JSON: Final = "application/json"

_UTF8_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*charset=("?)(?:utf-?8|us-ascii|ascii)\1(?=[ \t]*(?:;|$))[ \t]*""",
    re.IGNORECASE,
)

# Ids that rise in time (UUID version 7, ULID) are then neighbours in a log's index, and a commit
# touches few of its pages. With a hash alone each event touched one of its own, and batches of
# 100 came to 17 to 37 % less a second on an empty log, which grows worse as the log grows. Of a
# UUID these are all of version 7's time but its last 4 bits, of a ULID all of it.
_ORDERED = 12


@dataclass(frozen=True, slots=True)
class Digest:
    """`identity`: the same for all events of one source and id, and for no others: the first
    12 bytes of the id, of which there may be fewer, and 16 of a hash of both.
    `content`: 32 bytes, SHA-256 of the canonical form.
    """

    identity: bytes
    content: bytes


def digest(event: Event) -> Digest:
    """The event's digest, the same for every content mode and transport."""
    identity = _field("source", event.source) + _field("id", event.id)
    hashed = hashlib.sha256(identity.encode()).digest()[:16]
    content = hashlib.sha256(canonical_form(event)).digest()
    return Digest(event.id[:_ORDERED].encode()[:_ORDERED] + hashed, content)


def canonical_form(event: Event) -> bytes:
    """The bytes that are hashed; the module says how they are made."""
    attributes = dict(event.attributes)
    data = _as_json(event)
    if "datacontenttype" in attributes:
        attributes["datacontenttype"] = _canonical_media_type(str(attributes["datacontenttype"]))
        if data is None and attributes["datacontenttype"] == JSON:
            del attributes["datacontenttype"]
    elif isinstance(data, JsonText):
        attributes["datacontenttype"] = JSON
    if "time" in attributes:
        attributes["time"] = instant(str(attributes["time"]))
    if event.specversion == "0.3":
        attributes.pop("datacontentencoding", None)
    fields = "".join([_field(name, attributes[name]) for name in sorted(attributes)])
    return f"cloudevent {CANONICAL_VERSION}\n{fields}".encode() + _data(data)


def older_content(event: Event) -> bytes:
    """The content of its digest in version 1, which older rows of a log have."""
    attributes = dict(event.attributes)
    if isinstance(event.data, JsonText):
        attributes.setdefault("datacontenttype", JSON)
    if event.specversion == "0.3":
        attributes.pop("datacontentencoding", None)
    fields = "".join([_field(name, attributes[name]) for name in sorted(attributes)])
    return hashlib.sha256(f"cloudevent 1\n{fields}".encode() + _data(event.data)).digest()


def _as_json(event: Event) -> bytes | None:
    """The data, as JSON too where no media type says what its bytes are."""
    data = event.data
    if data is None or isinstance(data, JsonText) or "datacontenttype" in event.attributes:
        return data
    try:
        strict_json.check(data)
    except NotJson:
        return data
    return JsonText(data)


@bounded_cache
def _canonical_media_type(text: str) -> str:
    """The media type without a charset by which JSON is UTF-8, as it is anyway."""
    if not media_types.is_json(text) or not media_types.is_utf8(text):
        return text
    text = _UTF8_PARAMETER.sub("", text)
    return JSON if text.lower() == JSON else text


def _field(name: str, value: Value) -> str:
    text = value if type(value) is str else _canonical_string(value)
    size = len(text) if text.isascii() else len(text.encode())
    return f"{name} {size} {text}\n"


def _canonical_string(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _data(data: bytes | None) -> bytes:
    if data is None:
        return b""
    if isinstance(data, JsonText):
        text = canonical_json.canonical(data)
        return b"json %d %s" % (len(text), text)
    return b"bytes %d %s" % (len(data), data)
