"""Rows of the list: what is shown of a record."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit_service.log import Record
from audit_service.page.columns import Column
from audit_service.page.visible import short
from audit_service.search.patterns import pattern_of
from service_kit.clock import from_microseconds, rfc3339


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and the filter that has it; `pattern` is None where nothing can be filtered by."""

    name: str
    text: str
    filter: str
    pattern: str | None
    can_exclude: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A record in the list. `marks`: what is out of the ordinary, by short words."""

    position: int
    received_at: str
    cells: Sequence[Cell]
    marks: Sequence[Cell]


def row(record: Record, columns: Sequence[Column]) -> Row:
    """The row of a record."""
    event = record.event
    subject = event.get_subject() or ""
    cells = [
        _cell("type", event.type),
        _cell("source", event.source),
        _cell("subject", subject),
        _cell("id", event.id),
        *(_cell(each.name, each.text(record)) for each in columns),
    ]
    return Row(record.position, received(record), cells, marks(record))


def _cell(name: str, text: str) -> Cell:
    is_data = name.startswith("data.")
    pattern = (text if is_data else pattern_of(text)) if text else None
    return Cell(name, short(text), name, pattern, can_exclude=not is_data)


def received(record: Record) -> str:
    """Its arrival, as RFC 3339 has it."""
    return rfc3339(from_microseconds(record.received_at))


def marks(record: Record) -> Sequence[Cell]:
    """`conflict`, `kafka`, and each deviation that was let in, each with its filter."""
    found = []
    if record.conflicts_with is not None:
        found.append(Cell("conflict", "conflict", "conflicts", "true"))
    if record.origin is not None:
        found.append(Cell("kafka", "kafka", "transport", "kafka"))
    tolerated = (each.value for each in record.event.tolerated)
    return [*found, *(Cell(each, each, "tolerated", each) for each in tolerated)]
