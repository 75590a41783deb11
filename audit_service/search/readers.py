"""Readers of live events, by what of an event tells that it is none of theirs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from audit_service.log import Record
from audit_service.search.contents import text_of
from audit_service.search.expressions import All, Attribute, Comparison, Expression
from audit_service.search.reader_queue import ReaderQueue

Key = tuple[str, str] | None
"""An attribute and its value; None: any event."""


class Reader:
    """One who follows: what it asks for, and what waits for it."""

    def __init__(self, expression: Expression, queue: ReaderQueue) -> None:
        self.expression = expression
        self.key: Final = _key_of(expression)
        self.queue = queue
        self.is_joined = True


ByKey = Mapping[Key, Sequence[Reader]]


class Readers:
    """Those who follow now."""

    def __init__(self) -> None:
        self._readers: dict[Key, dict[Reader, None]] = {}
        self._by_key: ByKey | None = None

    def __bool__(self) -> bool:
        return bool(self._readers)

    def add(self, reader: Reader) -> None:
        """Add one."""
        self._readers.setdefault(reader.key, {})[reader] = None
        self._by_key = None

    def remove(self, reader: Reader) -> None:
        """Remove one of them."""
        reader.is_joined = False
        readers = self._readers[reader.key]
        del readers[reader]
        if not readers:
            del self._readers[reader.key]
        self._by_key = None

    def by_key(self) -> ByKey:
        """All of them, as they are now: it never changes."""
        if self._by_key is None:
            self._by_key = {key: tuple(readers) for key, readers in self._readers.items()}
        return self._by_key

    def joined_since(self, by_key: ByKey) -> list[Reader]:
        """Those that were none of them when they were these."""
        if by_key is self._by_key:
            return []
        before = {reader for readers in by_key.values() for reader in readers}
        every = (reader for readers in self._readers.values() for reader in readers)
        return [reader for reader in every if reader not in before]


def candidates(by_key: ByKey, record: Record) -> Iterator[Reader]:
    """Those of them for whom the record may be."""
    yield from by_key.get(None, ())
    for name, value in record.event.attributes.items():
        yield from by_key.get((name, text_of(value)), ())


def _key_of(expression: Expression) -> Key:
    """An attribute and the value that it has in all that match, where there is one."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    for part in parts:
        if isinstance(part, Attribute) and part.comparison is Comparison.EXACT:
            return part.name, part.value
    return None
