"""Rows of the log: their columns, and what is read of them, for every backend."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from audit_service.events import (
    CANONICAL_VERSION,
    Event,
    JsonText,
    Tolerance,
    Value,
    digest,
)
from audit_service.events.attributes import is_name
from audit_service.log.backend import (
    Entry,
    Origin,
    Outcome,
    Page,
    Receipt,
    Record,
    Salts,
)

ATTRIBUTE_COLUMNS = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
)
INSERTED = (
    "position",
    "received_at",
    "conflicts_with",
    "identity",
    "digest",
    *ATTRIBUTE_COLUMNS,
    "extensions",
    "data",
    "data_is_json",
    "digest_version",
    "tolerated",
    "sender",
    "salt_a",
    "salt_d",
)
SELECTED = (
    "position",
    "received_at",
    "conflicts_with",
    *ATTRIBUTE_COLUMNS,
    "extensions",
    "data",
    "data_is_json",
    "tolerated",
    "sender",
    "kafka_topic",
    "kafka_partition",
    "kafka_offset",
    "coalesce(salt_a, late_a)",
    "coalesce(salt_d, late_d)",
)
STORED = "event LEFT JOIN origin USING (position) LEFT JOIN salt USING (position)"
"""What SELECTED are columns of."""

ORIGIN = ("position", "kafka_topic", "kafka_partition", "kafka_offset")
LATE_SALTS = ("position", "late_a", "late_d")

_BESIDE: Final = SELECTED[SELECTED.index("tolerated") :]
_COLUMNS_OF_EVENT: Final = slice(SELECTED.index("specversion"), SELECTED.index("tolerated"))
_TOLERATED: Final = SELECTED.index("tolerated")
_ATTRIBUTES: Final = slice(SELECTED.index("specversion"), SELECTED.index("data_is_json"))

Row = tuple[Any, ...]


def record(row: Row) -> Record:
    """The record of a row, its columns as SELECTED."""
    position, received_at, conflicts_with, *columns = row[: -len(_BESIDE)]
    *columns, extensions, data, data_is_json = columns
    names, sender, topic, partition, offset, salt_a, salt_d = row[-len(_BESIDE) :]
    attributes: dict[str, Value] = {
        name: value
        for name, value in zip(ATTRIBUTE_COLUMNS, columns, strict=True)
        if value is not None
    }
    if extensions is not None:
        attributes |= orjson.loads(extensions)
    if data_is_json:
        data = JsonText(data)
    origin = None if topic is None else Origin(topic, partition, offset)
    salts = None if salt_a is None or salt_d is None else Salts(salt_a, salt_d)
    tolerated = tuple(map(Tolerance, names.split(","))) if names else ()
    event = Event(attributes, data, tolerated)
    return Record(position, received_at, conflicts_with, event, origin, sender, salts)


def check_form(row: Row, event: Event) -> None:
    """Raise ValueError unless the row, its columns as SELECTED, is the one that its event makes.

    Several rows would else be one event: whoever alters one could hide an attribute in another's
    name, and no hash of the event would tell.
    """
    check_extensions(event.attributes)
    *columns, _, tolerated = columns_of(event)
    if row[_COLUMNS_OF_EVENT] != tuple(columns) or row[_TOLERATED] != tolerated:
        raise ValueError("is in another form than its event")


def check_extensions(attributes: Mapping[str, Any]) -> None:
    """Raise ValueError where an extension has a name or a value that none has."""
    for name, value in attributes.items():
        if name in ATTRIBUTE_COLUMNS:
            continue
        if not is_name(name) or type(value) not in {str, int, bool}:
            raise ValueError("has an attribute that is none")


def page(found: Iterable[Row], limit: int, max_bytes: int) -> Page:
    """The page of the rows, which are at most one more than `limit`; see Backend.newest."""
    records: list[Record] = []
    for row in found:
        max_bytes -= stored_bytes(row)
        if len(records) == limit or (records and max_bytes < 0):
            return Page(records, more=True)
        records.append(record(row))
    return Page(records, more=False)


def order_of(positions: Sequence[int]) -> str:
    """The order in which they are, as SQL."""
    falls = len(positions) > 1 and positions[0] > positions[1]
    return f"ORDER BY position {'DESC' if falls else 'ASC'}"


def stored_bytes(row: Row) -> int:
    """About what a row takes: its attributes and its data."""
    found = 0
    for column in row[_ATTRIBUTES]:
        if column is not None:
            found += len(column)
    return found


def same_as(entry: Entry, candidates: Iterable[Row]) -> int | None:
    """The position of the entry's event among stored ones, compared in the newest form.

    `candidates`: rows of its source and id whose digest is of an older canonical form, their
    columns as SELECTED; of what is stored nothing is rewritten, so it is hashed anew.
    """
    for row in candidates:
        if digest(record(row).event).content == entry.digest.content:
            return int(row[0])
    return None


def origins(entries: Sequence[Entry], receipts: Sequence[Receipt]) -> list[Row]:
    """The rows to insert for those that are stored and came from Kafka, columns as ORIGIN."""
    return [
        (receipt.position, entry.origin.topic, entry.origin.partition, entry.origin.offset)
        for entry, receipt in zip(entries, receipts, strict=True)
        if entry.origin is not None and receipt.outcome is not Outcome.DUPLICATE
    ]


def columns_of(event: Event) -> Row:
    """Its own columns, as INSERTED has them between `digest` and `sender`."""
    extensions = dict(event.attributes)
    columns = [extensions.pop(name, None) for name in ATTRIBUTE_COLUMNS]
    return (
        *columns,
        orjson.dumps(extensions).decode() if extensions else None,
        event.data,
        isinstance(event.data, JsonText),
        CANONICAL_VERSION,
        ",".join(event.tolerated) or None,
    )
