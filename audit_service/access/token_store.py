"""Token store: the tokens in the event log's database."""

from collections.abc import Sequence
from typing import Protocol

import apsw

from audit_service.log import database_at, postgres_connections, sqlite_connections
from audit_service.log.backend import LOCK_SECONDS
from service_kit.access.stored_token import StoredToken, TokenTable
from service_kit.database_url import PostgresDatabase, SqliteFile


class TokenStore(Protocol):
    """Where tokens are. Raises LogUnavailable where the database cannot be used now."""

    @property
    def table(self) -> TokenTable:
        """What changes them, in a transaction of the log, which is in the same database."""
        ...

    def all(self) -> Sequence[StoredToken]:
        """Every token that there ever was."""
        ...

    def close(self) -> None:
        """Close every connection; the store is not used afterwards."""
        ...


class SqliteTokens:
    """The tokens in a SQLite file. It connects for each use, a few times a second at most."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.table = TokenTable("?")

    def all(self) -> Sequence[StoredToken]:
        with sqlite_connections.store_errors():
            db = sqlite_connections.connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            try:
                return self.table.all(db.execute)
            finally:
                db.close()

    def close(self) -> None:
        """There is none that is open."""


class PostgresTokens:
    """The tokens in a PostgreSQL database."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._readers = postgres_connections.ReadConnections(database, LOCK_SECONDS)
        self.table = TokenTable("%s")

    def all(self) -> Sequence[StoredToken]:
        with self._readers.transaction() as db:
            return self.table.all(db.execute)

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
