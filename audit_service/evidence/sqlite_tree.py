"""Tree of a log in a SQLite file of its own, so that an append waits for no tile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from audit_service.evidence.tree_table import Growth, Identity, SignedHead, TreeTable
from audit_service.evidence.witness_table import StoredCosignature, WitnessTable
from audit_service.log import LogUnavailable
from audit_service.log.sqlite_connections import connect, enter_wal, file_at, store_errors
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
_TABLE = TreeTable("?")
_WITNESSES = WitnessTable("?")


class SqliteTree:
    """A TreeStore (see there). Who reads connects for each use; who lets it grow stays connected,
    so that no reader is the last to close the file, which would then write its WAL back.
    """

    def __init__(self, path: str) -> None:
        """`path`: of the file, which the first growth makes."""
        self._path = path
        self._writer: apsw.Connection | None = None
        self._file: tuple[int, int] | None = None

    def identity(self) -> Identity | None:
        with self._reading() as db:
            return _TABLE.identity(db.execute) if db else None

    def newest(self) -> SignedHead | None:
        with self._reading() as db:
            return _TABLE.newest(db.execute) if db else None

    def heads(self, above: int) -> list[SignedHead]:
        with self._reading() as db:
            return _TABLE.heads(db.execute, above) if db else []

    def tile(self, level: int, number: int) -> bytes | None:
        with self._reading() as db:
            return _TABLE.tile(db.execute, level, number) if db else None

    def grow(self, growth: Growth, confirm: Callable[[], object]) -> None:
        with store_errors():
            try:
                with _transaction(self._connected()) as db:
                    _TABLE.grow(db.execute, growth)
                    confirm()
            except (apsw.Error, OSError):
                self.close()
                raise

    def publish_newest(self) -> SignedHead | None:
        with self._changing() as db:
            newest = _TABLE.newest(db.execute) if db else None
            if db and newest:
                _TABLE.publish(db.execute, newest.size)
            return newest

    def cosignatures(self) -> list[StoredCosignature]:
        with self._reading() as db:
            return _WITNESSES.newest(db.execute) if db else []

    def add_cosignature(self, cosignature: StoredCosignature) -> None:
        with self._changing() as db:
            if db:
                _WITNESSES.add(db.execute, cosignature)

    def objections(self) -> dict[str, str]:
        with self._reading() as db:
            return _WITNESSES.objections(db.execute) if db else {}

    def set_objection(self, witness: str, reason: str) -> None:
        with self._changing() as db:
            if db:
                _WITNESSES.set_objection(db.execute, witness, reason)

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(True)

    def _connected(self) -> apsw.Connection:
        """The connection that writes, to the file that is there now."""
        if self._writer is not None and file_at(self._path) != self._file:
            self.close()
        if self._writer is None:
            self._writer = _create(self._path)
            self._file = file_at(self._path)
        return self._writer

    @contextmanager
    def _changing(self) -> Iterator[apsw.Connection | None]:
        """A connection in a transaction; likewise."""
        with self._reading() as db:
            if db is None:
                yield None
                return
            with _transaction(db):
                yield db

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection | None]:
        """A connection; None where there is no tree yet."""
        with store_errors():
            if not _has_content(self._path):
                yield None
                return
            db = connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            try:
                is_made = _is_made(db)
                yield db if is_made else None
            finally:
                db.close(True)


def _create(path: str) -> apsw.Connection:
    sqlite_file.make(path)
    db = connect(path, apsw.SQLITE_OPEN_READWRITE)
    try:
        if not _is_made(db):
            enter_wal(db)
            with _transaction(db):
                if not _is_made(db):
                    db.execute(_SCHEMA)
                    db.execute(f"PRAGMA application_id = {APPLICATION}")
                    db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.close(True)
        raise
    return db


def _is_made(db: apsw.Connection) -> bool:
    """Whether it has its tables. Raises LogUnavailable where the file is none of ours."""
    if not db.execute("SELECT count(*) FROM sqlite_schema").get:
        return False
    found = db.execute("PRAGMA application_id").get, db.execute("PRAGMA user_version").get
    if found != (APPLICATION, VERSION):
        raise LogUnavailable("there is another database where the tree of the log is to be")
    return True


def _has_content(path: str) -> bool:
    try:
        return Path(path).stat().st_size > 0
    except FileNotFoundError:
        return False


@contextmanager
def _transaction(db: apsw.Connection) -> Iterator[apsw.Connection]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
