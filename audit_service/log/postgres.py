"""Event log in a PostgreSQL database."""

from collections.abc import Sequence

import psycopg

from audit_service.log import rows
from audit_service.log.backend import (
    LOCK_SECONDS,
    Drain,
    Entry,
    LogUnavailable,
    Page,
    Receipt,
    Record,
)
from audit_service.log.postgres_connections import ReadConnections, connect, session, store_errors
from audit_service.log.rows import Existing
from audit_service.log.schema import Schema, SchemaMismatch
from service_kit.clock import now_in_microseconds
from service_kit.database_url import PostgresDatabase
from service_kit.postgres import Connection

# One lock for all who append to this database, and one for those who migrate it. Any numbers
# will do, as long as they are these in every process.
APPEND_LOCK = 0x6576656E74
MIGRATE_LOCK = APPEND_LOCK + 1

_PING = "SELECT max(position), current_setting('transaction_read_only') FROM event"
_LAST = "SELECT coalesce(max(position), 0) FROM event"
_EXISTING = """SELECT
    (SELECT coalesce(conflicts_with, position) FROM event WHERE identity = asked.identity LIMIT 1),
    (SELECT position FROM event WHERE identity = asked.identity AND digest = asked.digest)
    FROM unnest(%s::bytea[], %s::bytea[]) WITH ORDINALITY AS asked (identity, digest, number)
    ORDER BY number"""
_INSERT = f"""INSERT INTO event ({", ".join(rows.INSERTED)})
    VALUES ({", ".join(["%s"] * len(rows.INSERTED))})"""
_INSERT_ORIGIN = f"""INSERT INTO origin ({", ".join(rows.ORIGIN)})
    VALUES ({", ".join(["%s"] * len(rows.ORIGIN))})"""
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
                schema.check(_version(db))
        except SchemaMismatch:
            self.close()
            raise

    def commit(self, drain: Drain) -> Sequence[Receipt]:
        with store_errors():
            try:
                return self._commit(drain)
            except psycopg.OperationalError:
                # A connection that was used before may have died since, with a restart of the
                # server; what it may have committed all the same is a duplicate now.
                if self._writer is None or not self._writer.broken:
                    self._drop_writer()
                    raise
                self._drop_writer()
                return self._commit(drain)
            except psycopg.Error:
                self._drop_writer()
                raise

    def newest(self, before: int | None, limit: int, budget: int) -> Page:
        where = "" if before is None else "WHERE position < %(start)s"
        return self._page(f"{where} ORDER BY position DESC", before, limit, budget)

    def oldest(self, after: int | None, limit: int, budget: int) -> Page:
        where = "" if after is None else "WHERE position > %(start)s"
        return self._page(f"{where} ORDER BY position", after, limit, budget)

    def _page(self, which: str, start: int | None, limit: int, budget: int) -> Page:
        query = f"{_SELECT} {which} LIMIT %(limit)s"
        with self._readers.transaction() as db, db.cursor(name="page") as cursor:
            # A cursor of the server, so that a page cut short by its budget is not fetched whole.
            cursor.itersize = 10
            cursor.execute(query, {"start": start, "limit": limit + 1})
            return rows.page(cursor, limit, budget)

    def get(self, position: int) -> Record | None:
        with self._readers.transaction() as db:
            row = db.execute(f"{_SELECT} WHERE position = %s", (position,)).fetchone()
        return None if row is None else rows.record(row)

    def ping(self) -> None:
        with self._readers.transaction() as db:
            row = db.execute(_PING).fetchone()
        if row is not None and row[1] == "on":
            raise LogUnavailable("the database is read-only")

    def close(self) -> None:
        self._drop_writer()
        self._readers.close()

    def _commit(self, drain: Drain) -> Sequence[Receipt]:
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
            now = now_in_microseconds()
            receipts, inserted = rows.assign_positions(
                entries, existing, last[0] if last else 0, now
            )
            if inserted:
                db.cursor().executemany(_INSERT, inserted)
            origins = rows.origins(entries, receipts)
            if origins:
                db.cursor().executemany(_INSERT_ORIGIN, origins)
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


def migrate(database: PostgresDatabase, schema: Schema) -> None:
    """Apply every migration that the database lacks."""
    with store_errors(), connect(database) as db, db.transaction():
        # A migration takes as long as it takes, and so does waiting for another's.
        db.execute("SET LOCAL synchronous_commit = on")
        db.execute("SET LOCAL statement_timeout = 0")
        db.execute("SET LOCAL lock_timeout = 0")
        db.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATE_LOCK,))
        db.execute("CREATE TABLE IF NOT EXISTS event_schema (version integer PRIMARY KEY)")
        found = _version(db)
        for number, script in schema.migrations().items():
            if number > found:
                db.execute(script)
                db.execute("INSERT INTO event_schema VALUES (%s)", (number,))
        schema.check(_version(db))


def _version(db: Connection) -> int:
    there = db.execute("SELECT to_regclass('event_schema')").fetchone()
    if there is None or there[0] is None:
        return 0
    row = db.execute("SELECT coalesce(max(version), 0) FROM event_schema").fetchone()
    return row[0] if row else 0
