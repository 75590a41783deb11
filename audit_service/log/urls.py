"""Which backend a database URL stands for: the one place that knows them all."""

from collections.abc import Callable
from typing import TypeVar

from audit_service.log import sqlite
from audit_service.log.record import Backend

SQLITE = "sqlite:///"
T = TypeVar("T")


class UnsupportedDatabase(Exception):
    """There is no backend for the URL."""


def open_log(url: str) -> Backend:
    """The log at `url`, which must exist and be up to date.

    Raises UnsupportedDatabase, SchemaMismatch, LogUnavailable.
    """
    return _with_path(url, sqlite.SqliteLog)


def migrate(url: str) -> None:
    """Make the log at `url` where there is none, and bring its schema up to date.

    Safe when several processes do it at once. Raises UnsupportedDatabase, SchemaMismatch,
    LogUnavailable.
    """
    _with_path(url, sqlite.migrate)


def _with_path(url: str, use: Callable[[str], T]) -> T:
    path = url.removeprefix(SQLITE)
    if path in {url, "", ":memory:"}:
        raise UnsupportedDatabase("the event log needs a URL like sqlite:///data/events.db")
    return use(path)
