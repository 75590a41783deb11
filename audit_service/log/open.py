"""Backends by database URL: the one place that knows them all."""

from importlib.resources.abc import Traversable

from audit_service.log import postgres, postgres_schema, sqlite, sqlite_schema
from audit_service.log.backend import LOCK_SECONDS, Backend
from audit_service.log.schema import Schema
from service_kit import database_url
from service_kit.database_url import Database, SqliteFile


class UnsupportedDatabase(Exception):
    """There is no backend for the URL."""


def open_log(
    url: str,
    password: str = "",
    *,
    lock_seconds: float = LOCK_SECONDS,
    migrations: Traversable | None = None,
) -> Backend:
    """The log at `url`, which must exist and be up to date; `password` where the URL has none.

    `lock_seconds`: how long it waits at most for the lock of another process.
    `migrations`: their folder, where they are not those of this package.
    Raises UnsupportedDatabase, SchemaMismatch, LogUnavailable.
    """
    database = database_at(url, password)
    if isinstance(database, SqliteFile):
        schema = Schema("sqlite", migrations)
        return sqlite.SqliteLog(database.path, schema, lock_seconds=lock_seconds)
    schema = Schema("postgres", migrations)
    return postgres.PostgresLog(database, schema, lock_seconds=lock_seconds)


def migrate(url: str, password: str = "", *, migrations: Traversable | None = None) -> None:
    """Make the log at `url` where there is none, and bring its schema up to date.

    Safe when several processes do it at once. Raises UnsupportedDatabase, SchemaMismatch,
    LogUnavailable.
    """
    database = database_at(url, password)
    if isinstance(database, SqliteFile):
        sqlite_schema.migrate(database.path, Schema("sqlite", migrations))
    else:
        postgres_schema.migrate(database, Schema("postgres", migrations))


def database_at(url: str, password: str = "") -> Database:
    """The database that a URL stands for. Raises UnsupportedDatabase."""
    try:
        return database_url.parse(url, password)
    except ValueError as error:
        raise UnsupportedDatabase(str(error)) from None
