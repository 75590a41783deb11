"""Formats of an export: what a record is written as."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from audit_service.api.event_record import one_line, record_json
from audit_service.events import Event, JsonText, data_as_text, to_json
from audit_service.evidence import record_text
from audit_service.log import Record
from audit_service.log.rows import ATTRIBUTE_COLUMNS

Write = Callable[[Record], bytes]

MOST_COLUMNS: Final = 100
"""The most extensions that have a column of their own."""

_SPACES: Final = b" \t\r\n"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Format:
    """A format. `begin`: what is before the records; `write`: the bytes of one."""

    media_type: str
    suffix: str
    begin: bytes
    write: Write


def ndjson() -> Format:
    """Each event in the JSON event format, one a line."""
    return Format("application/x-ndjson", "ndjson", b"", _event_line)


def records() -> Format:
    """Each record with its position and the like, and the salts of its leaf, one a line."""
    return Format("application/x-ndjson", "records.ndjson", b"", _record_line)


def table(extensions: Sequence[str]) -> Format:
    """Comma-separated values, for people: a column for each of these extensions."""
    columns = tuple(extensions[:MOST_COLUMNS])

    def write(record: Record) -> bytes:
        return _row(_cells(record.event, columns))

    header = _row([*ATTRIBUTE_COLUMNS, *columns, "extensions", "data"])
    return Format("text/csv; charset=utf-8", "csv", header, write)


def _event_line(record: Record) -> bytes:
    return one_line(to_json(_trimmed(record.event))) + b"\n"


def _trimmed(event: Event) -> Event:
    """The event without spaces around its JSON data, for which structured mode has no place: what
    is imported is exported as it was.
    """
    data = event.data
    if not isinstance(data, JsonText) or (trimmed := data.strip(_SPACES)) == data:
        return event
    return Event(event.attributes, JsonText(trimmed), event.tolerated)


def _record_line(record: Record) -> bytes:
    return one_line(record_json(record, record_text.salts_of(record))) + b"\n"


def _cells(event: Event, columns: Sequence[str]) -> list[str]:
    attributes = dict(event.attributes)
    cells = [_text(attributes.pop(name, None)) for name in (*ATTRIBUTE_COLUMNS, *columns)]
    rest = json.dumps(attributes, ensure_ascii=False) if attributes else ""
    return [*cells, rest, _data(event)]


def _data(event: Event) -> str:
    """The data as text; bytes in Base64, as the JSON event format has them."""
    if event.data is None:
        return ""
    if isinstance(event.data, JsonText):
        return event.data.decode()
    text = data_as_text(event)
    return text if text is not None else str(json.loads(to_json(event))["data_base64"])


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _row(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    # A program that shows tables would take such a cell for a formula, and run it.
    safe = [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]
    csv.writer(line).writerow(safe)
    return line.getvalue().encode(errors="replace")
