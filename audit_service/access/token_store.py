"""Token store: the tokens in the event log's database."""

from collections.abc import Callable, Sequence
from typing import Protocol

import apsw

from audit_service.log import Backend, Entry, database_at, postgres_connections, sqlite_connections
from audit_service.log.backend import LOCK_SECONDS
from service_kit.access.stored_token import Execute, StoredToken, TokenTable
from service_kit.database_url import PostgresDatabase, SqliteFile

Change = Callable[[TokenTable, Execute], object]


class TokenStore(Protocol):
    """Where tokens are. Raises LogUnavailable where the database cannot be used now."""

    def all(self) -> Sequence[StoredToken]:
        """Every token that there ever was."""
        ...

    def change(self, log: Backend, change: Change, entries: Sequence[Entry]) -> None:
        """Change the tokens, and append what tells of it, in one transaction.

        `log`: the log of the same database. Raises what `change` raises, and does neither then.
        """
        ...

    def close(self) -> None:
        """Close every connection; the store is not used afterwards."""
        ...


class SqliteTokens:
    """The tokens in a SQLite file. It connects for each use, a few times a second at most."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._table = TokenTable("?")

    def all(self) -> Sequence[StoredToken]:
        with sqlite_connections.store_errors():
            db = sqlite_connections.connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            try:
                return self._table.all(db.execute)
            finally:
                db.close()

    def change(self, log: Backend, change: Change, entries: Sequence[Entry]) -> None:
        log.commit(lambda: entries, lambda execute: change(self._table, execute))

    def close(self) -> None:
        """There is none that is open."""


class PostgresTokens:
    """The tokens in a PostgreSQL database."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._readers = postgres_connections.ReadConnections(database, LOCK_SECONDS)
        self._table = TokenTable("%s")

    def all(self) -> Sequence[StoredToken]:
        with self._readers.transaction() as db:
            return self._table.all(db.execute)

    def change(self, log: Backend, change: Change, entries: Sequence[Entry]) -> None:
        log.commit(lambda: entries, lambda execute: change(self._table, execute))

    def close(self) -> None:
        self._readers.close()


def open_tokens(url: str, password: str = "") -> TokenStore:
    """The store in the database at `url`, which must exist and be up to date.

    Connects when it is used. Raises UnsupportedDatabase.
    """
    database = database_at(url, password)
    if isinstance(database, SqliteFile):
        return SqliteTokens(database.path)
    return PostgresTokens(database)
