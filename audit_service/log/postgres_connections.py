"""Connections to PostgreSQL: to append, to read in each thread, and their errors."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg.rows import TupleRow

from audit_service.log.backend import LOCK_SECONDS, LogUnavailable
from audit_service.log.rows import stored_bytes
from service_kit import postgres
from service_kit.database_url import PostgresDatabase
from service_kit.postgres import Connection, Session, UnsuitableDatabase

_STATEMENT_SECONDS = 10
_IDLE_SECONDS = 30
_FIRST_FETCH, _MOST_FETCH = 10, 1000
_FETCH_BYTES = 1024 * 1024


class ReadConnections:
    """A connection for each thread that reads. Safe for any number of threads."""

    def __init__(self, database: PostgresDatabase, lock_seconds: float) -> None:
        self._database = database
        self._lock_seconds = lock_seconds
        self._closed = False
        self._thread = threading.local()
        self._all: list[Connection] = []

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """This thread's own, in a transaction; a broken one is not used again."""
        if self._closed:
            raise LogUnavailable("the log is closed")
        with store_errors():
            transaction = ExitStack()
            db = self._begin(transaction)
            try:
                with transaction:
                    self._set_limits(db)
                    yield db
            except psycopg.Error:
                self._drop(db)
                raise

    def close(self) -> None:
        """Close them all; there will be no others."""
        self._closed = True
        while self._all:
            self._all.pop().close()

    def _begin(self, transaction: ExitStack) -> Connection:
        db: Connection | None = getattr(self._thread, "db", None)
        if db is not None:
            try:
                transaction.enter_context(db.transaction())
            except psycopg.Error:
                # It may have died since it was used, with a restart of the server.
                self._drop(db)
            else:
                return db
        db = connect(self._database, self._lock_seconds)
        self._thread.db = db
        self._all.append(db)
        transaction.enter_context(db.transaction())
        return db

    def _set_limits(self, db: Connection) -> None:
        if db.is_pooled:
            db.execute(f"SELECT {session(self._lock_seconds).set_in_transaction()}")

    def _drop(self, db: Connection) -> None:
        self._all.remove(db)
        self._thread.db = None
        db.close()


def fetched(cursor: psycopg.ServerCursor[TupleRow]) -> Iterator[TupleRow]:
    """The rows of a cursor, some at a time: more of them while they are small."""
    count = _FIRST_FETCH
    while rows := cursor.fetchmany(count):
        yield from rows
        longest = max(stored_bytes(row) for row in rows)
        count = max(_FIRST_FETCH, min(_MOST_FETCH, _FETCH_BYTES // max(longest, 1)))


def session(lock_seconds: float) -> Session:
    """The settings of a session, which waits so long at most for a lock."""
    return Session(lock_seconds, _STATEMENT_SECONDS, _IDLE_SECONDS, {"timezone": "UTC"})


def connect(database: PostgresDatabase, lock_seconds: float = LOCK_SECONDS) -> Connection:
    """A connection that reads what is committed: an older snapshot lacks the last position.

    Raises psycopg.Error.
    """
    return postgres.connect(database, session(lock_seconds), autocommit=True)


@contextmanager
def store_errors() -> Iterator[None]:
    """The one place where the store's errors become the log's."""
    try:
        yield
    except psycopg.Error as error:
        if isinstance(error, UnsuitableDatabase):
            raise LogUnavailable(str(error)) from None
        # The message can hold values; the code says which error it is.
        raise LogUnavailable(f"{type(error).__name__} {error.sqlstate or ''}".rstrip()) from error
