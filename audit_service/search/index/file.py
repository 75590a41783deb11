"""Index file: a SQLite database of its own, which is made anew whenever it is of no use.

It is a copy of what the log says. So its commits need not be on disk at once, and whatever is
wrong with it costs time only.
"""

from typing import Final

import apsw

from audit_service.search.index.faults import IndexForeign, NotAnIndex
from audit_service.search.index.place import (
    APPLICATION,
    check_may_remove,
    identity,
    note_made,
    remove,
)
from audit_service.search.index.tokens import TOKENIZER, WORD_TOKENIZER
from service_kit import sqlite_file

VERSION: Final = 3
"""Of the file's form, and of what is in it: a change of terms is one, too."""
SEGMENT: Final = 65_536
"""Positions of a segment, which has tables of its own."""
BLOCK: Final = 1024
"""Positions of a block, of whose times the least and greatest are known."""
_WAIT_MILLISECONDS: Final = 2000
_CACHED_STATEMENTS: Final = 1000
_SCHEMA = """
CREATE TABLE mark (                 -- one row: how far the index came, see `mark`
    position          INTEGER NOT NULL, -- of the last event that is in it
    received_at       INTEGER NOT NULL, -- of that event: another log has another
    digest            BLOB NOT NULL,
    first_received_at INTEGER NOT NULL, -- of the first event
    first_digest      BLOB NOT NULL,
    partial           INTEGER NOT NULL  -- events of which not all terms are in it
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


def create(path: str) -> apsw.Connection:
    """A connection that writes to the file, made where there is none.

    MUST be called by one process at a time: see `sole_indexer`.
    Raises NotAnIndex, IndexForeign where it is of another version, apsw.Error, OSError.
    """
    check_may_remove(path)
    if identity(path) is None:
        # What another file of that name had beside it would be taken for its own.
        remove(path)
    sqlite_file.make(path)
    db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.set_busy_timeout(_WAIT_MILLISECONDS)
        if _is_empty(db):
            # At once in the file itself, where a WAL would keep it to itself.
            db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute("PRAGMA journal_mode = WAL")
        # OFF may corrupt it in a power cut, and it would then answer wrongly.
        db.execute("PRAGMA synchronous = NORMAL")
        if _is_empty(db):
            note_made(path)
            with db:
                db.execute(_SCHEMA)
                db.execute(f"PRAGMA user_version = {VERSION}")
        _check_version(db)
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: str) -> apsw.Connection:
    """A connection that reads. Raises NotAnIndex, IndexForeign, apsw.Error."""
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


def segment_of(position: int) -> int:
    """The segment of a position."""
    return (position - 1) // SEGMENT


def block_of(position: int) -> int:
    """The block of a position."""
    return (position - 1) // BLOCK


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


def _is_empty(db: apsw.Connection) -> bool:
    return not db.execute("SELECT count(*) FROM sqlite_schema").get


def _check_version(db: apsw.Connection) -> None:
    if db.execute("PRAGMA application_id").get != APPLICATION:
        raise NotAnIndex("there is another database at its place")
    found = db.execute("PRAGMA user_version").get
    if found != VERSION:
        raise IndexForeign(f"it is of version {found}, and {VERSION} is needed")
