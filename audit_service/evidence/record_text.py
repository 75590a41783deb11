"""Records as JSON: what there is beside the event so that its leaf can be made anew, and reading
them back.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from audit_service.events import (
    Event,
    JsonText,
    Tolerance,
    Value,
    media_types,
    strict_json,
    to_json,
)
from audit_service.evidence.note_keys import from_base64, to_base64
from audit_service.log import Origin, Record, Salts
from audit_service.log.backend import SALT_SIZE
from audit_service.log.rows import check_extensions
from service_kit.clock import to_microseconds

_SPACED: Final = re.compile(rb"\A[ \t]|[\r\n]|[ \t]\Z")
_LONG: Final = 20
"""Digits of a number past which it is kept as text: attributes have fewer."""


_WRONG: Final = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, StopIteration)


class RecordMalformed(Exception):
    """A text is no record."""


def stored_form(event: Event) -> Mapping[str, Any]:
    """`stored`, of an event that its JSON form alone does not give back byte by byte; else none."""
    data = event.data
    is_whole = event.specversion != "0.3" and not (
        isinstance(data, JsonText) and _SPACED.search(data)
    )
    if is_whole:
        return {}
    form = {
        "attributes": event.attributes,
        "data": None if data is None else to_base64(data),
        "is_json": isinstance(data, JsonText),
    }
    return {"stored": form}


def salts_of(record: Record) -> Mapping[str, Any]:
    """`salts`, of a record that has some."""
    if record.salts is None:
        return {}
    attributes, data = map(to_base64, record.salts)
    return {"salts": {"attributes": attributes, "data": data}}


def packed(salts: Salts) -> bytes:
    """Both salts, as a proof has them."""
    return salts.attributes + salts.data


def unpacked(extra: bytes | None) -> Salts | None:
    """The salts that a proof has; None where it has none."""
    if extra is None or len(extra) != 2 * SALT_SIZE:
        return None
    return Salts(extra[:SALT_SIZE], extra[SALT_SIZE:])


def read_record(line: bytes) -> Record:
    """The record of an EventRecord in JSON, as the service writes it. Raises RecordMalformed."""
    try:
        text = line.decode()
        return _record(text, json.loads(text, parse_int=_integer))
    except (*_WRONG, RecursionError) as error:
        raise RecordMalformed(f"is no record: {type(error).__name__}") from None


def _record(text: str, document: Mapping[str, Any]) -> Record:
    # Of two members of one name other readers show the one that is not proven.
    shown = strict_json.source_of(text, "event")
    if not all(map(strict_json.are_once, (text, shown))):
        raise ValueError("has a member twice")
    if type(document["position"]) is not int:
        raise TypeError("has a position that is none")
    kafka, salts = document["kafka"], document.get("salts")
    event = _stored(shown, document["stored"]) if document.get("stored") else None
    event = event or _event(shown, document)
    check_extensions(event[0])
    return Record(
        document["position"],
        to_microseconds(datetime.fromisoformat(document["received_at"])),
        document["conflicts_with"],
        Event(*event, tuple(map(Tolerance, document["tolerated"]))),
        None if kafka is None else Origin(kafka["topic"], kafka["partition"], kafka["offset"]),
        document["sender"],
        None if salts is None else Salts(_bytes(salts["attributes"]), _bytes(salts["data"])),
    )


def _stored(shown: str, form: Mapping[str, Any]) -> tuple[dict[str, Value], bytes | None] | None:
    """What `stored` says; None where `event` beside it, which people read, says something else."""
    data = None if form["data"] is None else _bytes(form["data"])
    found = form["attributes"], JsonText(data or b"") if form["is_json"] else data
    whole = _one_line(to_json(Event(*found)).strip())
    return found if whole == _one_line(shown.encode()) else None


def _one_line(content: bytes) -> bytes:
    return content.replace(b"\n", b" ").replace(b"\r", b" ")


def _event(shown: str, document: Mapping[str, Any]) -> tuple[dict[str, Value], bytes | None]:
    attributes = dict(document["event"])
    if "data_base64" in attributes:
        return attributes, _bytes(attributes.pop("data_base64"))
    if "data" not in attributes:
        return attributes, None
    data = attributes.pop("data")
    media_type = attributes.get("datacontenttype")
    if media_type is None or media_types.is_json(media_type):
        return attributes, JsonText(strict_json.source_of(shown, "data").encode())
    if type(data) is not str:
        raise TypeError("has data that are no text")
    return attributes, data.encode(media_types.codec(media_type))


def _bytes(text: str) -> bytes:
    content = from_base64(text)
    if content is None:
        raise ValueError("is no Base64")
    return content


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONG else digits
