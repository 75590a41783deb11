"""Connections to PostgreSQL: how they are made, kept for reading, and what their errors become."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from audit_service.log.backend import LOCK_SECONDS, LogUnavailable

# A commit waits for the disk whatever the server's default is; nothing waits for ever.
OPTIONS = (
    "-c synchronous_commit=on -c statement_timeout=10s "
    "-c idle_in_transaction_session_timeout=30s -c timezone=UTC "
    # A snapshot older than the lock would not see the last position.
    r"-c default_transaction_isolation=read\ committed"
)
# A server that is gone without a word is found out in seconds.
SOCKET: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

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
    given = conninfo_to_dict(url).get("options") or ""
    options = f"{given} {OPTIONS} -c lock_timeout={round(lock_seconds * 1000)}"
    db = psycopg.connect(url, autocommit=True, client_encoding="UTF8", options=options, **SOCKET)
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
