"""Leaf of an event: its place and arrival, and two salted commitments, without anything personal.

Of attributes and data it has SHA-256 over a random salt and the content alone: a bare digest would
let one guess what is small. Once a salt is gone nobody can, and every proof still holds. The form
is in docs/evidence.md; a change of it is another version, with another first line.
"""

from binascii import b2a_base64
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from audit_service.events import JsonText, Value
from audit_service.log import Record, Salts


class Unsalted(Exception):
    """The event is of an older version, and has no salts yet."""


class Commitments(NamedTuple):
    """SHA-256 each: A over the attributes and what is kept beside them, D over the data."""

    attributes: bytes
    data: bytes


def leaf_of(record: Record) -> bytes:
    """The leaf, whose index is the position less 1. Raises Unsalted."""
    return leaf_entry(record.position, record.received_at, commitments(record))


def leaf_entry(position: int, received_at: int, committed: Commitments) -> bytes:
    """The leaf; `received_at`: microseconds since 1970."""
    lines = b2a_base64(committed.attributes), b2a_base64(committed.data)
    return b"audit-leaf/v1\n%d\n%d\n%b%b" % (position, received_at, *lines)


def commitments(record: Record) -> Commitments:
    """What is committed to of a record, as it is stored. Raises Unsalted."""
    salts = record.salts
    if salts is None:
        raise Unsalted(f"the event at {record.position} has no salts")
    return Commitments(_attributes(record, salts), _data(record.event.data, salts))


def _attributes(record: Record, salts: Salts) -> bytes:
    # `NAME LENGTH VALUE` for each by name, and after an empty line likewise what is beside them.
    # No name has a space or a colon, and no name is empty.
    attributes = record.event.attributes
    lines = []
    for name in sorted(attributes):
        value = attributes[name]
        # Most of them by far; a call for each would cost a tenth of all.
        if type(value) is str and value.isascii():
            lines.append(f"{name} {len(value)} {value}\n")
        else:
            lines.append(_line(name, value))
    lines.append("\n")
    if record.event.tolerated or record.sender is not None or record.origin is not None:
        lines.extend([_line(*each) for each in _beside(record)])
    return sha256(b"attrs/v1%b%b" % (salts.attributes, "".join(lines).encode())).digest()


def _line(name: str, value: Value) -> str:
    """LENGTH: bytes of the value in UTF-8. Strings alone have no type after their name."""
    if type(value) is str:
        return f"{name} {len(value.encode())} {value}\n"
    text = str(value).lower()
    return f"{name}:{'boolean' if type(value) is bool else 'integer'} {len(text)} {text}\n"


def _beside(record: Record) -> Iterator[tuple[str, Value]]:
    if record.event.tolerated:
        yield "tolerated", ",".join(record.event.tolerated)
    if record.sender is not None:
        yield "sender", record.sender
    if record.origin is not None:
        yield "kafka_topic", record.origin.topic
        yield "kafka_partition", record.origin.partition
        yield "kafka_offset", record.origin.offset


def _data(data: bytes | None, salts: Salts) -> bytes:
    if data is None:
        return sha256(b"data/v1%bnone " % salts.data).digest()
    kind = b"json " if isinstance(data, JsonText) else b"bytes "
    return sha256(b"data/v1%b%b%b" % (salts.data, kind, data)).digest()
