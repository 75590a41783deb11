"""What makes two messages the same event, as a hash.

The canonical form, version 1: the line `cloudevent 1`; for each attribute, sorted by name,
`NAME LENGTH VALUE` and a line end, where VALUE is the canonical string of the attribute's
type in UTF-8 and LENGTH its bytes in decimal; then `json LENGTH DATA` or `bytes LENGTH DATA`,
or nothing where there is no data. JSON is without insignificant whitespace, its members
sorted, its escapes minimal and its number literals as written. `datacontenttype` is filled
in where the JSON format implies it; `datacontentencoding` of 0.3 is left out, for it tells of
the encoding and not of the event.
"""

import hashlib
from dataclasses import dataclass

from audit_service.events import strict_json
from audit_service.events.event import Event, JsonText, Value

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
    attributes = event.attributes
    if "datacontenttype" not in attributes and isinstance(event.data, JsonText):
        attributes = {**attributes, "datacontenttype": "application/json"}
    names = sorted(attributes)
    if "datacontentencoding" in attributes and event.specversion == "0.3":
        names.remove("datacontentencoding")
    fields = "".join([_field(name, attributes[name]) for name in names])
    return f"cloudevent 1\n{fields}".encode() + _data(event.data)


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
        text = strict_json.canonical(data)
        return b"json %d %s" % (len(text), text)
    return b"bytes %d %s" % (len(data), data)
