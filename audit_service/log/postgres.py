"""Event log in a PostgreSQL database."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from audit_service.log import rows
from audit_service.log.backend import (
    LOCK_SECONDS,
    Also,
    Drain,
    Entry,
    Heading,
    LogUnavailable,
    Page,
    Receipt,
    Record,
    Salts,
)
from audit_service.log.positions import Existing, assign_positions, random_salts
from audit_service.log.postgres_connections import (
    ReadConnections,
    connect,
    fetched,
    session,
    store_errors,
)
from audit_service.log.postgres_schema import version_of
from audit_service.log.schema import Schema, SchemaMismatch
from service_kit.clock import now_in_microseconds
from service_kit.database_url import PostgresDatabase
from service_kit.postgres import Connection

# One lock for all who append to this database. Any number will do, as long as it is this one in
# every process.
APPEND_LOCK = 0x6576656E74

_PING = "SELECT max(position), current_setting('transaction_read_only') FROM event"
_LAST = "SELECT coalesce(max(position), 0) FROM event"
_HEADING = "SELECT received_at, digest FROM event WHERE position = %s"
_SIZE = "SELECT pg_total_relation_size('event') + pg_total_relation_size('origin')"
_EXISTING = """SELECT
    (SELECT coalesce(conflicts_with, position) FROM event WHERE identity = asked.identity LIMIT 1),
    (SELECT position FROM event WHERE identity = asked.identity AND digest = asked.digest)
    FROM unnest(%s::bytea[], %s::bytea[]) WITH ORDINALITY AS asked (identity, digest, number)
    ORDER BY number"""
_INSERT = f"""INSERT INTO event ({", ".join(rows.INSERTED)})
    VALUES ({", ".join(["%s"] * len(rows.INSERTED))})"""
_INSERT_ORIGIN = f"""INSERT INTO origin ({", ".join(rows.ORIGIN)})
    VALUES ({", ".join(["%s"] * len(rows.ORIGIN))})"""
_INSERT_SALTS = f"""INSERT INTO salt ({", ".join(rows.LATE_SALTS)})
    VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"""
_SELECT = f"SELECT {', '.join(rows.SELECTED)} FROM {rows.STORED}"

_OLDER = f"{_SELECT} WHERE identity = %s AND digest_version IS NULL"


class PostgresLog:
    """A Backend (see there) in a database. One writer at a time in all processes."""

    def __init__(
        self, database: PostgresDatabase, schema: Schema, *, lock_seconds: float = LOCK_SECONDS
    ) -> None:
        """Raises LogUnavailable where there is no such log, SchemaMismatch."""
        self._database = database
        self._lock_seconds = lock_seconds
        # What the promise needs is set in the transaction itself: no pooler drops it there.
        settings = session(lock_seconds).set_in_transaction()
        self._lock = f"SELECT {settings}, pg_advisory_xact_lock(%s)"
        self._writer: Connection | None = None
        self._readers = ReadConnections(database, lock_seconds)
        try:
            with self._readers.transaction() as db:
                schema.check(version_of(db))
        except SchemaMismatch:
            self.close()
            raise

    def commit(self, drain: Drain, also: Also | None = None) -> Sequence[Receipt]:
        with store_errors():
            try:
                return self._commit(drain, also)
            except psycopg.OperationalError:
                # A connection that was used before may have died since, with a restart of the
                # server; what it may have committed all the same is a duplicate now.
                if self._writer is None or not self._writer.broken:
                    self._drop_writer()
                    raise
                self._drop_writer()
                return self._commit(drain, also)
            except psycopg.Error:
                self._drop_writer()
                raise

    def newest(self, before: int | None, limit: int, max_bytes: int) -> Page:
        where = "" if before is None else "WHERE position < %(asked)s"
        return self._page(f"{where} ORDER BY position DESC", before, limit, max_bytes)

    def oldest(self, after: int | None, limit: int, max_bytes: int) -> Page:
        where = "" if after is None else "WHERE position > %(asked)s"
        return self._page(f"{where} ORDER BY position", after, limit, max_bytes)

    def at(self, positions: Sequence[int], max_bytes: int) -> Page:
        if not positions:
            return Page([], more=False)
        which = f"WHERE position = ANY(%(asked)s) {rows.order_of(positions)}"
        return self._page(which, list(positions), len(positions), max_bytes)

    def _page(self, which: str, asked: Any, limit: int, max_bytes: int) -> Page:
        query = f"{_SELECT} {which} LIMIT %(limit)s"
        with self._readers.transaction() as db, db.cursor(name="page") as cursor:
            # A cursor of the server, so that a page cut short by its bytes is not fetched whole.
            cursor.execute(query, {"asked": asked, "limit": limit + 1})
            return rows.page(fetched(cursor), limit, max_bytes)

    def get(self, position: int) -> Record | None:
        with self._readers.transaction() as db:
            row = db.execute(f"{_SELECT} WHERE position = %s", (position,)).fetchone()
        return None if row is None else rows.record(row)

    def heading(self, position: int) -> Heading | None:
        with self._readers.transaction() as db:
            row = db.execute(_HEADING, (position,)).fetchone()
        return None if row is None else Heading(*row)

    def add_salts(self, salts: Mapping[int, Salts]) -> None:
        added = [(position, *each) for position, each in salts.items()]
        with self._readers.transaction() as db:
            db.execute("SET LOCAL synchronous_commit = on")
            db.cursor().executemany(_INSERT_SALTS, added)

    def last(self) -> int:
        with self._readers.transaction() as db:
            row = db.execute(_LAST).fetchone()
        return row[0] if row else 0

    def size(self) -> int:
        with self._readers.transaction() as db:
            row = db.execute(_SIZE).fetchone()
        return row[0] if row else 0

    def ping(self) -> None:
        with self._readers.transaction() as db:
            row = db.execute(_PING).fetchone()
        if row is not None and row[1] == "on":
            raise LogUnavailable("the database is read-only")

    def close(self) -> None:
        self._drop_writer()
        self._readers.close()

    def _commit(self, drain: Drain, also: Also | None) -> Sequence[Receipt]:
        db = self._connected()
        with db.transaction():
            # Before the position is read, and held until the commit is visible to the next.
            db.execute(self._lock, (APPEND_LOCK,))
            entries = drain()
            last = db.execute(_LAST).fetchone()
            identities = [entry.digest.identity for entry in entries]
            contents = [entry.digest.content for entry in entries]
            known = db.execute(_EXISTING, (identities, contents)).fetchall()
            existing = [
                _compared(db, entry, Existing(*row))
                for entry, row in zip(entries, known, strict=True)
            ]
            now, salts = now_in_microseconds(), random_salts(len(entries))
            receipts, inserted = assign_positions(
                entries, existing, last[0] if last else 0, now, salts
            )
            if inserted:
                db.cursor().executemany(_INSERT, inserted)
            origins = rows.origins(entries, receipts)
            if origins:
                db.cursor().executemany(_INSERT_ORIGIN, origins)
            if also is not None:
                also(db.execute)
        return receipts

    def _connected(self) -> Connection:
        """The connection for appending."""
        if self._writer is None:
            self._writer = connect(self._database, self._lock_seconds)
        return self._writer

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _compared(db: Connection, entry: Entry, existing: Existing) -> Existing:
    """The same, where the event may be there with a digest of an older canonical form."""
    if existing.first is None or existing.same is not None:
        return existing
    older = db.execute(_OLDER, (entry.digest.identity,))
    return Existing(existing.first, rows.same_as(entry, older))
