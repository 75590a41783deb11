"""Detail of an event: its attributes, its data in every form, what came before and after it, and
what has its source and id.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit_service.events import JsonText, data_as_text, to_json
from audit_service.events.lossless_json import LOSSY
from audit_service.log import Record
from audit_service.page.comparison import Difference, differences
from audit_service.page.data_tree import Node, tree
from audit_service.page.hex_dump import hex_dump
from audit_service.page.rows import Cell, marks, received
from audit_service.page.visible import short, visible
from audit_service.search import All, Budget, Expression, Order, Search
from audit_service.search.contents import Contents, text_of
from audit_service.search.expressions import Attribute
from audit_service.search.filters import ATTRIBUTES, EXTENSION
from audit_service.search.patterns import pattern_of

MOST_CHARACTERS: Final = 64 * 1024
"""Of data or JSON on a page; there is a link to all of it."""
MOST_CONFLICTS: Final = 20
VERSION: Final = "subjectversion"
_BUDGET: Final = Budget(records=10_000, seconds=0.5)


@dataclass(frozen=True, slots=True)
class Data:
    """Data of an event. `tree`: where it is JSON; `text`: where it is text, JSON included; `hex`:
    of bytes that are no text; `size`: in bytes; `is_cut`: whether there is more.
    """

    size: int
    tree: Node | None = None
    text: str | None = None
    hex: str | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The event before or after of the same subject. `gap`: how many versions are missing between
    the two; negative where they do not rise.
    """

    position: int
    type: str
    received_at: str
    gap: int | None


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is shown of a record."""

    position: int
    received_at: str
    type: str
    marks: Sequence[Cell]
    attributes: Sequence[Cell]
    kept: Sequence[Cell]
    data: Data
    before: Neighbour | None
    after: Neighbour | None
    conflicts: Sequence[int]
    compared_with: int | None
    differences: Sequence[Difference]
    json: str | None


def detail(search: Search, record: Record) -> Detail:
    """The detail of a record. Raises LogUnavailable."""
    event = record.event
    others = _same_identity(search, record)
    other = others[0] if others else None
    written = to_json(event)
    return Detail(
        record.position,
        received(record),
        visible(event.type),
        marks(record),
        [_attribute(name, value) for name, value in Contents(event).attributes()],
        _kept(record),
        data_of(record),
        _neighbour(search, record, Order.DESCENDING),
        _neighbour(search, record, Order.ASCENDING),
        [each.position for each in others],
        None if other is None else other.position,
        [] if other is None else differences(*sorted([record, other], key=_position)),
        written.decode() if len(written) <= MOST_CHARACTERS else None,
    )


def as_curl(url: str, json: str) -> str:
    """The command that sends an event in structured mode, for a POSIX shell."""
    words = ["curl", "-i", url, "-H", "Content-Type: application/cloudevents+json"]
    return f"{shlex.join(words)} --data-binary {shlex.quote(json)}"


def data_of(record: Record) -> Data:
    """The data of a record."""
    data = record.event.data
    if data is None:
        return Data(0)
    text = data.decode() if isinstance(data, JsonText) else _text(record)
    if text is None:
        return Data(len(data), hex=hex_dump(data), is_cut=len(data) > MOST_CHARACTERS)
    json = Contents(record.event).json
    return Data(
        len(data),
        tree=None if json is LOSSY else tree(json),
        text=short(text, MOST_CHARACTERS),
        is_cut=len(text) > MOST_CHARACTERS,
    )


def _text(record: Record) -> str | None:
    """The data as text, where it is: by its type, or since it is UTF-8."""
    data = record.event.data or b""
    try:
        return data_as_text(record.event) or data.decode()
    except UnicodeDecodeError:
        return None


def _attribute(name: str, text: str) -> Cell:
    shown = short(text, MOST_CHARACTERS)
    return Cell(name, shown, name if name in ATTRIBUTES else f"{EXTENSION}{name}", pattern_of(text))


def _kept(record: Record) -> Sequence[Cell]:
    """What is kept beside the event."""
    origin = record.origin
    kafka = origin and f"{origin.topic}/{origin.partition}@{origin.offset}"
    values: Mapping[str, str | None] = {
        "sender": record.sender,
        "transport": "http" if origin is None else "kafka",
    }
    cells = [Cell(name, visible(text), name, text) for name, text in values.items() if text]
    if kafka:
        cells.append(Cell("kafka", visible(kafka), "kafka", None))
    tolerated = [each.value for each in record.event.tolerated]
    return [*cells, *(Cell("tolerated", each, "tolerated", each, False) for each in tolerated)]


def _neighbour(search: Search, record: Record, order: Order) -> Neighbour | None:
    subject = record.event.get_subject()
    if subject is None:
        return None
    of_subject = All((Attribute("source", record.event.source), Attribute("subject", subject)))
    found = search.find(of_subject, order, record.position, limit=1, budget=_BUDGET).records
    if not found:
        return None
    other = found[0]
    pair = (other, record) if order is Order.DESCENDING else (record, other)
    return Neighbour(other.position, visible(other.event.type), received(other), _gap(*pair))


def _gap(earlier: Record, later: Record) -> int | None:
    """How many versions are missing between two; None where it is not known."""
    versions = [each.event.attributes.get(VERSION) for each in (earlier, later)]
    try:
        first, second = (int(text_of(each)) for each in versions if each is not None)
    except ValueError:
        return None
    return second - first - 1


def _same_identity(search: Search, record: Record) -> Sequence[Record]:
    """The other events of its source and id, where there is any conflict."""
    event = record.event
    same: Expression = All((Attribute("source", event.source), Attribute("id", event.id)))
    start = (record.conflicts_with or record.position) - 1
    found = search.find(same, Order.ASCENDING, start, limit=MOST_CONFLICTS, budget=_BUDGET)
    return [each for each in found.records if each.position != record.position]


def _position(record: Record) -> int:
    return record.position
