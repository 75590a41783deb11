"""Check of an index: another is made of the log, and all that is in the two is compared.

An index decides what a search finds: who alters it hides events that the log still has.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw

from audit_service.log import Backend
from audit_service.log.recent_records import RecentRecords
from audit_service.search.index.faults import IndexUnusable, index_errors
from audit_service.search.index.file import (
    SEGMENT,
    open_to_read,
    segment_of,
    terms_table,
    words_table,
)
from audit_service.search.index.mark import Mark, check_mark, read_mark
from audit_service.search.index.prepared import Batch, read_batch
from audit_service.search.index.writer import IndexWriter

Progress = Callable[[int], object]
"""Told of so many more events."""
_TABLES: Final = {
    # How texts are cut into terms is in it.
    "sqlite_schema": "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
    "mark": "SELECT * FROM mark",
    "block": "SELECT * FROM block ORDER BY number",
    "block_columns": "SELECT * FROM block_columns ORDER BY number",
    "value": "SELECT * FROM value ORDER BY kind, code",
}
_VOCABULARY: Final = "temp.vocabulary"


class IndexDiffers(Exception):
    """The index is not what the log makes; the message says in what."""


def check_index(path: str, log: Backend, progress: Progress) -> int:
    """How many events are in the index, all of them as the log has them.

    It takes as much room beside the index as this one has. Raises IndexDiffers; IndexForeign where
    it is of another log, IndexDamaged where it cannot be read, IndexUnusable; LogUnavailable.
    """
    with (
        index_errors(),
        _opened(path) as found,
        TemporaryDirectory(prefix="index-", dir=Path(path).parent) as folder,
    ):
        mark = read_mark(found)
        if mark is None:
            raise IndexUnusable("nothing is in it yet")
        check_mark(mark, log)
        made_at = str(Path(folder) / "index")
        _make(made_at, log, mark, progress)
        with _opened(made_at) as made:
            for table, query in _TABLES.items():
                _compare(found, made, table, query)
            for segment in range(segment_of(mark.position) + 1):
                _compare_segment(found, made, segment)
    return mark.position


@contextmanager
def _opened(path: str) -> Iterator[apsw.Connection]:
    """A connection to an index as it is at one moment."""
    with closing(open_to_read(path)) as db:
        # It forbids temporary tables, too.
        db.execute("PRAGMA query_only = OFF")
        db.execute("BEGIN")
        yield db


def _make(path: str, log: Backend, mark: Mark, progress: Progress) -> None:
    """Make an index of the log up to that mark."""
    records = RecentRecords(log)
    with closing(IndexWriter(path)) as writer:
        while writer.position < mark.position:
            batch = read_batch(records, writer.position)
            if batch is None:
                raise IndexDiffers(f"it has {mark.position} events, and the log {writer.position}")
            if batch.last > mark.position:
                events = batch.events[: mark.position - writer.position]
                batch = Batch(events, mark.last)
            writer.add(batch, mark.first)
            progress(len(batch.events))


def _compare(found: apsw.Connection, made: apsw.Connection, table: str, query: str) -> None:
    for have, want in zip_longest(found.execute(query), made.execute(query)):
        if have != want:
            raise IndexDiffers(f"its table {table} has another row than the log makes")


def _compare_segment(found: apsw.Connection, made: apsw.Connection, segment: int) -> None:
    for table in (terms_table(segment), words_table(segment)):
        _compare(found, made, table, f"SELECT * FROM {table}_config ORDER BY k")
        for db in (found, made):
            db.execute(
                f"CREATE VIRTUAL TABLE {_VOCABULARY} USING fts5vocab(main, {table}, instance)"
            )
        query = f"SELECT term, doc FROM {_VOCABULARY}"
        for have, want in zip_longest(found.execute(query), made.execute(query)):
            if have != want:
                row = min(each[1] for each in (have, want) if each is not None)
                position = segment * SEGMENT + row
                raise IndexDiffers(f"what it has of event {position} is not what the log has")
        for db in (found, made):
            db.execute(f"DROP TABLE {_VOCABULARY}")
