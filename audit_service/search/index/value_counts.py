"""Value counts of an index: which types, sources and names of extensions there are."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import apsw

from audit_service.log.rows import ATTRIBUTE_COLUMNS

MOST_VALUES: Final = 10_000
"""The most values of a kind that are counted one by one."""
LONGEST: Final = 1000
"""Characters of a value past which it is not."""
NO_EXTENSIONS: Final = frozenset(ATTRIBUTE_COLUMNS)
"""Names of attributes that are none."""
OTHER_CODE: Final = 0
"""The code of all that are not."""


class ValueKind(StrEnum):
    """What values are of."""

    TYPE = "type"
    SOURCE = "source"
    EXTENSION = "extension"


@dataclass(slots=True)
class ValueCount:
    """How often a value is there, and when its first and last event arrived: microseconds since
    1970.
    """

    code: int
    name: str
    count: int
    first_seen: int
    last_seen: int


class Valued(Protocol):
    """An event with the values that are counted. `arrived`: microseconds since 1970."""

    @property
    def arrived(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def extensions(self) -> tuple[str, ...]: ...


class ValueCounts:
    """Counts of all kinds, in memory and in the file."""

    def __init__(self, db: apsw.Connection, most: int = MOST_VALUES) -> None:
        """Those that the file has; `most`: values of a kind that are counted one by one."""
        self._most = most
        self._counts: dict[ValueKind, dict[str, ValueCount]] = {kind: {} for kind in ValueKind}
        self._changed: dict[tuple[ValueKind, int], ValueCount] = {}
        for kind, *row in db.execute(f"SELECT kind, {COLUMNS} FROM value"):
            value = ValueCount(*row)
            name = value.name if value.code != OTHER_CODE else _OTHER_NAME
            self._counts[ValueKind(kind)][name] = value

    def count(self, event: Valued) -> tuple[int, int]:
        """Count the values of an event; the codes of its type and of its source."""
        for name in event.extensions:
            self._count(ValueKind.EXTENSION, name, event.arrived)
        return (
            self._count(ValueKind.TYPE, event.type, event.arrived),
            self._count(ValueKind.SOURCE, event.source, event.arrived),
        )

    def write(self, db: apsw.Connection) -> None:
        """Write those that have changed."""
        rows = [
            (kind, value.code, value.name, value.count, value.first_seen, value.last_seen)
            for (kind, _), value in self._changed.items()
        ]
        db.executemany(
            f"INSERT OR REPLACE INTO value (kind, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        self._changed.clear()

    def _count(self, kind: ValueKind, name: str, at: int) -> int:
        values = self._counts[kind]
        value = values.get(name) or self._new(values, name, at)
        value.count += 1
        value.last_seen = at
        self._changed[kind, value.code] = value
        return value.code

    def _new(self, values: dict[str, ValueCount], name: str, at: int) -> ValueCount:
        if len(values) < self._most and len(name) <= LONGEST:
            # Its code is the next, whether or not there are others.
            code = len(values) + (_OTHER_NAME not in values)
            return values.setdefault(name, ValueCount(code, name, 0, at, at))
        return values.setdefault(_OTHER_NAME, ValueCount(OTHER_CODE, "", 0, at, at))


COLUMNS: Final = "code, name, count, first_seen, last_seen"
_OTHER_NAME: Final = ""
"""The key of the others: no value is empty."""
