"""Columns of a view beside those that every one has: extensions, fields of data, the sender."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from audit_service.log import Record
from audit_service.search import patterns
from audit_service.search.contents import Contents
from audit_service.search.filters import DATA, SENDER, extension_of

SEPARATOR: Final = ", "


@dataclass(frozen=True, slots=True)
class Column:
    """A column by the name of its filter."""

    name: str
    text: Callable[[Record], str]


def column(name: str) -> Column:
    """The column of `ext.NAME`, `data.PATH` or `sender`. Raises ValueError."""
    if name == SENDER:
        return Column(name, lambda record: record.sender or "")
    if name.startswith(DATA):
        path = patterns.path(name.removeprefix(DATA))
        return Column(name, lambda record: SEPARATOR.join(Contents(record.event).fields(path)))
    extension = extension_of(name)
    return Column(name, lambda record: Contents(record.event).attribute(extension) or "")
