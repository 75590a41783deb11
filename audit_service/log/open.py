"""Backends by database URL: the one place that knows them all."""

from importlib.resources.abc import Traversable

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from audit_service.log import postgres, sqlite
from audit_service.log.backend import LOCK_SECONDS, Backend
from audit_service.log.schema import Schema

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


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
    check_url(url)
    if url.startswith(SQLITE):
        path, schema = url.removeprefix(SQLITE), Schema("sqlite", migrations)
        return sqlite.SqliteLog(path, schema, lock_seconds=lock_seconds)
    schema = Schema("postgres", migrations)
    return postgres.PostgresLog(conninfo(url, password), schema, lock_seconds=lock_seconds)


def migrate(url: str, password: str = "", *, migrations: Traversable | None = None) -> None:
    """Make the log at `url` where there is none, and bring its schema up to date.

    Safe when several processes do it at once. Raises UnsupportedDatabase, SchemaMismatch,
    LogUnavailable.
    """
    check_url(url)
    if url.startswith(SQLITE):
        sqlite.migrate(url.removeprefix(SQLITE), Schema("sqlite", migrations))
    else:
        postgres.migrate(conninfo(url, password), Schema("postgres", migrations))


def check_url(url: str) -> None:
    """Raises UnsupportedDatabase unless `url` is of a kind that a log can be at."""
    if url.startswith(POSTGRES):
        try:
            conninfo(url, "")
        except ProgrammingError:
            raise UnsupportedDatabase("is no URL that PostgreSQL's clients understand") from None
        return
    if not url.startswith(SQLITE) or url.removeprefix(SQLITE) in {"", ":memory:"}:
        raise UnsupportedDatabase(
            "must be a URL like sqlite:///data/events.db or postgresql://user@host/database"
        )


def conninfo(url: str, password: str) -> str:
    """The connection string of libpq for a PostgreSQL URL; the password where it has none."""
    given = "postgresql://" + url.partition("://")[2]
    if password and "password" not in conninfo_to_dict(given):
        return make_conninfo(given, password=password)
    return make_conninfo(given)
