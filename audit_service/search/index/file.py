"""Index file: a SQLite database of its own, which is made anew whenever it is of no use.

It is a copy of what the log says. So its commits need not be on disk at once, and whatever is
wrong with it costs time only.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from audit_service.search.index.tokens import TOKENIZER, WORD_TOKENIZER
from service_kit import sqlite_file

VERSION: Final = 1
"""Of the file's form, and of what is in it: a change of terms is one, too."""
SEGMENT: Final = 65_536
"""Positions of a segment, which has tables of its own."""
BLOCK: Final = 1024
"""Positions of a block, of whose times the least and greatest are known."""
_WAIT_MILLISECONDS: Final = 2000
_SCHEMA = """
CREATE TABLE mark (                 -- one row: how far the index came
    position INTEGER NOT NULL,      -- of the last event that is in it
    digest   BLOB NOT NULL,         -- of that event: another log has another
    first    BLOB NOT NULL,         -- of the first event
    partial  INTEGER NOT NULL       -- events of which not all terms are in it
);
CREATE TABLE block (
    number       INTEGER PRIMARY KEY,
    arrived_from INTEGER NOT NULL,  -- seconds since 1970
    arrived_to   INTEGER NOT NULL,
    time_from    INTEGER,           -- likewise of the events' own times; null: none says one
    time_to      INTEGER,
    all_timed    INTEGER NOT NULL   -- all of them say one
);
CREATE TABLE block_columns (        -- beside them, so that blocks are quick to go through
    number INTEGER PRIMARY KEY,
    packed BLOB NOT NULL            -- see `blocks`
);
CREATE TABLE value (
    kind       TEXT NOT NULL,       -- type, source or extension
    code       INTEGER NOT NULL,    -- by which blocks name it; 0: all that have no row
    name       TEXT NOT NULL,
    count      INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,    -- microseconds since 1970, of arrival
    last_seen  INTEGER NOT NULL,
    PRIMARY KEY (kind, code)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an index came: the position and digest of its last event, and the first's digest.

    `partial`: events of which not all terms are in it.
    """

    position: int
    digest: bytes
    first: bytes
    partial: int = 0


class IndexUnusable(Exception):
    """The index cannot be used: it is damaged, of another log, or not there."""


def create(path: str) -> apsw.Connection:
    """A connection that writes to the file, made where there is none.

    MUST be called by one process at a time: see `sole_indexer`.
    Raises IndexUnusable where it is of another version, apsw.Error, OSError.
    """
    if identity(path) is None:
        # What another file of that name had beside it would be taken for its own.
        remove(path)
    sqlite_file.make(path)
    db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.set_busy_timeout(_WAIT_MILLISECONDS)
        db.execute("PRAGMA journal_mode = WAL")
        # OFF may corrupt it in a power cut, and it would then answer wrongly.
        db.execute("PRAGMA synchronous = NORMAL")
        if _is_empty(db):
            with db:
                db.execute(_SCHEMA)
                db.execute(f"PRAGMA user_version = {VERSION}")
        _check_version(db)
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: str) -> apsw.Connection:
    """A connection that reads. Raises IndexUnusable, apsw.Error."""
    db = apsw.Connection(
        path, flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=_CACHED_STATEMENTS
    )
    try:
        db.set_busy_timeout(_WAIT_MILLISECONDS)
        db.execute("PRAGMA query_only = ON")
        _check_version(db)
    except BaseException:
        db.close()
        raise
    return db


_CACHED_STATEMENTS: Final = 1000


def remove(path: str) -> None:
    """Remove the file and what SQLite has beside it: the file first, so that nobody opens it.

    MUST be called by who may `create` it.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(path + suffix).unlink(missing_ok=True)


def identity(path: str) -> tuple[int, int] | None:
    """Device and inode of the file, None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path takes three times as long, at each query
    except OSError:
        return None
    return found.st_dev, found.st_ino


def segment_of(position: int) -> int:
    """The segment of a position."""
    return (position - 1) // SEGMENT


def block_of(position: int) -> int:
    """The block of a position."""
    return (position - 1) // BLOCK


def read_mark(db: apsw.Connection) -> Mark | None:
    """The mark of an index, None where nothing is in it."""
    row = db.execute("SELECT position, digest, first, partial FROM mark").fetchone()
    return None if row is None else Mark(*row)


def create_segment(db: apsw.Connection, number: int) -> None:
    """Make the two tables of a segment; their row ids are positions less those before it."""
    for table, tokenizer in (
        (terms_table(number), TOKENIZER),
        (words_table(number), WORD_TOKENIZER),
    ):
        quoted = tokenizer.replace('"', '""')
        db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5"
            f"(text, content='', detail=none, columnsize=0, tokenize=\"{quoted}\")"
        )


def terms_table(segment: int) -> str:
    """The table of the terms of a segment."""
    return f"terms_{segment}"


def words_table(segment: int) -> str:
    """The table of the words of a segment."""
    return f"words_{segment}"


@contextmanager
def index_errors() -> Iterator[None]:
    """Raise what SQLite says of the index as IndexUnusable."""
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise IndexUnusable(f"{type(error).__name__}: {error}") from error


def _is_empty(db: apsw.Connection) -> bool:
    return not db.execute("SELECT count(*) FROM sqlite_schema").get


def _check_version(db: apsw.Connection) -> None:
    found = db.execute("PRAGMA user_version").get
    if found != VERSION:
        raise IndexUnusable(f"it is of version {found}, and {VERSION} is needed")
