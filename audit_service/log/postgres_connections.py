"""Connections to PostgreSQL: to append, to read in each thread, and their errors."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from audit_service.log.backend import LOCK_SECONDS, LogUnavailable
from service_kit.postgres import Session

_STATEMENT_SECONDS = 10
_IDLE_SECONDS = 30
# A snapshot older than the lock would not see the last position.
_SETTINGS = {"timezone": "UTC", "default_transaction_isolation": "read committed"}

Connection = psycopg.Connection[tuple[Any, ...]]


class ReadConnections:
    """A connection for each thread that reads. Safe for any number of threads."""

    def __init__(self, url: str, lock_seconds: float) -> None:
        self._url = url
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
        db = connect(self._url, self._lock_seconds)
        self._thread.db = db
        self._all.append(db)
        transaction.enter_context(db.transaction())
        return db

    def _drop(self, db: Connection) -> None:
        self._all.remove(db)
        self._thread.db = None
        db.close()


def connect(url: str, lock_seconds: float = LOCK_SECONDS) -> Connection:
    """A connection whose commits are on disk when they return. Raises LogUnavailable."""
    session = Session(lock_seconds, _STATEMENT_SECONDS, _IDLE_SECONDS, _SETTINGS)
    options = str(conninfo_to_dict(url).get("options") or "")
    db = psycopg.connect(
        url, autocommit=True, client_encoding="UTF8", **session.connect_args(options)
    )
    if db.info.parameter_status("server_encoding") != "UTF8":
        db.close()
        raise LogUnavailable("the database's encoding must be UTF8")
    return db


@contextmanager
def store_errors() -> Iterator[None]:
    """The one place where the store's errors become the log's."""
    try:
        yield
    except psycopg.Error as error:
        # The message can hold values; the code says which error it is.
        raise LogUnavailable(f"{type(error).__name__} {error.sqlstate or ''}".rstrip()) from error
