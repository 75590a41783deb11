"""File of a log's tree: a SQLite database of its own, made with its tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from audit_service.log import LogUnavailable
from audit_service.log.sqlite_connections import connect, enter_wal
from service_kit import sqlite_file

APPLICATION: Final = int.from_bytes(b"CEtr")
"""The `application_id` of the file: no other database is taken for a tree."""
VERSION: Final = 1
_SCHEMA = """
CREATE TABLE tree_identity (
    only_one     INTEGER PRIMARY KEY CHECK (only_one = 1),
    origin       TEXT NOT NULL,
    verifier_key TEXT NOT NULL
) STRICT;
CREATE TABLE tree_tile (
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,           -- 32 bytes each, 256 at most
    PRIMARY KEY (level, number)
) STRICT;
CREATE TABLE tree_checkpoint (
    size      INTEGER PRIMARY KEY,  -- how many leaves
    root      BLOB NOT NULL,
    signed_at INTEGER NOT NULL,     -- microseconds since 1970, UTC
    note      BLOB NOT NULL         -- the signed note
) STRICT;
CREATE TABLE tree_published (       -- checkpoints that others have, and that are kept
    size INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE tree_cosignature (
    size        INTEGER NOT NULL,
    witness     TEXT NOT NULL,      -- its verifier key
    cosigned_at INTEGER NOT NULL,   -- seconds since 1970
    line        TEXT NOT NULL,      -- of the note, with its line break
    PRIMARY KEY (size, witness)
) STRICT;
CREATE TABLE tree_objection (       -- witnesses that take the log for another
    witness TEXT PRIMARY KEY,
    reason  TEXT NOT NULL
) STRICT;
"""


def create(path: str) -> apsw.Connection:
    """A connection that writes to the file, made where there is none.

    Raises LogUnavailable where the file is none of ours, apsw.Error, OSError.
    """
    sqlite_file.make(path)
    db = connect(path, apsw.SQLITE_OPEN_READWRITE)
    try:
        if not is_made(db):
            enter_wal(db)
            with transaction(db):
                if not is_made(db):
                    db.execute(_SCHEMA)
                    db.execute(f"PRAGMA application_id = {APPLICATION}")
                    db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.close(True)
        raise
    return db


def is_made(db: apsw.Connection) -> bool:
    """Whether it has its tables. Raises LogUnavailable where the file is none of ours."""
    if not db.execute("SELECT count(*) FROM sqlite_schema").get:
        return False
    found = db.execute("PRAGMA application_id").get, db.execute("PRAGMA user_version").get
    if found != (APPLICATION, VERSION):
        raise LogUnavailable("there is another database where the tree of the log is to be")
    return True


def has_content(path: str) -> bool:
    """Whether there is a file that has something in it."""
    try:
        return Path(path).stat().st_size > 0
    except FileNotFoundError:
        return False


@contextmanager
def transaction(db: apsw.Connection) -> Iterator[apsw.Connection]:
    """All of the block, on disk once it has ended, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
