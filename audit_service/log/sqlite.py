"""Event log in a SQLite file."""

import threading
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apsw

from audit_service.log import rows
from audit_service.log.backend import (
    LOCK_SECONDS,
    Also,
    Drain,
    Entry,
    Execute,
    Heading,
    LogUnavailable,
    Page,
    Receipt,
    Record,
    Salts,
)
from audit_service.log.positions import Existing, assign_positions, random_salts
from audit_service.log.schema import Schema
from audit_service.log.sqlite_connections import connect, file_at, store_errors
from audit_service.log.sqlite_schema import version_of
from service_kit import sqlite_file
from service_kit.clock import now_in_microseconds

_LAST = "SELECT coalesce(max(position), 0) FROM event"
_HEADING = "SELECT received_at, digest FROM event WHERE position = ?"
_AT = "WHERE position IN (SELECT value FROM carray(?))"
_FIRST = "SELECT coalesce(conflicts_with, position) FROM event WHERE identity = ? LIMIT 1"
_SAME = "SELECT position FROM event WHERE identity = ? AND digest = ?"
_SEEN = """SELECT value FROM carray(?)
    WHERE EXISTS (SELECT 1 FROM event WHERE identity = value)"""
_INSERT = f"""INSERT INTO event ({", ".join(rows.INSERTED)})
    VALUES ({", ".join("?" * len(rows.INSERTED))})"""
_INSERT_ORIGIN = f"""INSERT INTO origin ({", ".join(rows.ORIGIN)})
    VALUES ({", ".join("?" * len(rows.ORIGIN))})"""
_INSERT_SALTS = f"""INSERT INTO salt ({", ".join(rows.LATE_SALTS)})
    VALUES (?, ?, ?) ON CONFLICT DO NOTHING"""
_SELECT = f"SELECT {', '.join(rows.SELECTED)} FROM {rows.STORED}"
_OLDER = f"{_SELECT} WHERE identity = ? AND digest_version IS NULL"
_NOT_STORED = Existing(None, None)


class SqliteLog:
    """A Backend (see there) on the file at `path`. One writer at a time in all processes."""

    def __init__(self, path: str, schema: Schema, *, lock_seconds: float = LOCK_SECONDS) -> None:
        """Raises LogUnavailable where there is no such log, SchemaMismatch."""
        self._path = path
        self._lock_seconds = lock_seconds
        self._writer: apsw.Connection | None = None
        self._thread = threading.local()
        self._readers: list[apsw.Connection] = []
        with store_errors():
            self._file = file_at(path)
            schema.check(version_of(self._reader()))

    def commit(self, drain: Drain, also: Also | None = None) -> Sequence[Receipt]:
        with store_errors():
            try:
                return self._commit(drain, also)
            except apsw.Error:
                # After a failed write or fsync nothing that this connection believes about
                # the file can be trusted; the next commit begins with a new one.
                self._drop_writer()
                raise

    def newest(self, before: int | None, limit: int, max_bytes: int) -> Page:
        where = "" if before is None else "WHERE position < ?"
        return self._page(f"{where} ORDER BY position DESC", before, limit, max_bytes)

    def oldest(self, after: int | None, limit: int, max_bytes: int) -> Page:
        where = "" if after is None else "WHERE position > ?"
        return self._page(f"{where} ORDER BY position", after, limit, max_bytes)

    def at(self, positions: Sequence[int], max_bytes: int) -> Page:
        if not positions:
            return Page([], more=False)
        asked = apsw.carray(array("q", positions), flags=apsw.SQLITE_CARRAY_INT64)
        return self._page(f"{_AT} {rows.order_of(positions)}", asked, len(positions), max_bytes)

    def _page(self, which: str, binding: Any, limit: int, max_bytes: int) -> Page:
        bindings = (limit + 1,) if binding is None else (binding, limit + 1)
        with store_errors():
            found = self._reader().execute(f"{_SELECT} {which} LIMIT ?", bindings)
            return rows.page(found, limit, max_bytes)

    def get(self, position: int) -> Record | None:
        with store_errors():
            row = self._reader().execute(f"{_SELECT} WHERE position = ?", (position,)).fetchone()
        return None if row is None else rows.record(row)

    def heading(self, position: int) -> Heading | None:
        with store_errors():
            row = self._reader().execute(_HEADING, (position,)).fetchone()
        return None if row is None else Heading(*row)

    def add_salts(self, salts: Mapping[int, Salts]) -> None:
        def add(execute: Execute) -> None:
            for position, each in salts.items():
                execute(_INSERT_SALTS, (position, *each))

        self.commit(list, add)

    def last(self) -> int:
        with store_errors():
            found: int = self._reader().execute(_LAST).get
        return found

    def size(self) -> int:
        with store_errors():
            return sqlite_file.size(self._path)

    def ping(self) -> None:
        with store_errors():
            self._reader().execute(_LAST).fetchone()
            if sqlite_file.is_read_only(self._path):
                raise LogUnavailable("the file is read-only")

    def close(self) -> None:
        self._drop_writer()
        while self._readers:
            self._readers.pop().close()

    def _commit(self, drain: Drain, also: Also | None) -> Sequence[Receipt]:
        self._check_file()
        if self._writer is None:
            self._writer = self._connect()
        db = self._writer
        db.execute("BEGIN IMMEDIATE")
        try:
            entries = drain()
            last = db.execute(_LAST).get
            now = now_in_microseconds()
            receipts, inserted = assign_positions(
                entries, _existing(db, entries), last, now, random_salts(len(entries))
            )
            db.executemany(_INSERT, inserted)
            db.executemany(_INSERT_ORIGIN, rows.origins(entries, receipts))
            if also is not None:
                also(db.execute)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return receipts

    def _reader(self) -> apsw.Connection:
        """This thread's own connection for reading."""
        self._check_file()
        reader: apsw.Connection | None = getattr(self._thread, "reader", None)
        if reader is None:
            reader = self._connect()
            reader.execute("PRAGMA query_only = ON")
            self._thread.reader = reader
            self._readers.append(reader)
        return reader

    def _connect(self) -> apsw.Connection:
        return connect(self._path, apsw.SQLITE_OPEN_READWRITE, self._lock_seconds)

    def _check_file(self) -> None:
        """Raise unless the file is the one that was opened.

        Where it was removed or replaced meanwhile, SQLite goes on with the old one, and what
        it commits is gone with it.
        """
        if file_at(self._path) != self._file:
            raise LogUnavailable("another file is where the event log was")

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close(True)
            self._writer = None


def _existing(db: apsw.Connection, entries: Sequence[Entry]) -> Iterator[Existing]:
    """What the log already has of each entry: nearly always nothing, by one statement for all."""
    if not entries:
        return
    identities = tuple(entry.digest.identity for entry in entries)
    wanted = apsw.carray(identities, flags=apsw.SQLITE_CARRAY_BLOB)
    seen = {identity for (identity,) in db.execute(_SEEN, (wanted,))}
    for entry in entries:
        identity, content = entry.digest.identity, entry.digest.content
        if identity in seen:
            first = db.execute(_FIRST, (identity,)).get
            same = db.execute(_SAME, (identity, content)).get
            if same is None:
                same = rows.same_as(entry, db.execute(_OLDER, (identity,)))
            yield Existing(first, same)
        else:
            yield _NOT_STORED
