"""Databases for a log, and what a test does to them behind the log's back."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import apsw
import psycopg

from audit_service.events import Event, digest
from audit_service.log import (
    Backend,
    Origin,
    Page,
    Receipt,
    postgres,
)
from audit_service.log.backend import Entry

ALL = 10**9


class Store(Protocol):
    """Empty database. `url`: of it; `nowhere`: of none."""

    url: str
    nowhere: str

    def execute(self, sql: str) -> None:
        """Run SQL as an intruder would. Raises whatever the database raises."""
        ...

    def set_version(self, version: int) -> None:
        """Make the schema's version another."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock that a commit needs."""
        ...


class SqliteStore:
    """A file, opened through APSW as the log does it, never through `sqlite3`."""

    def __init__(self, path: Path) -> None:
        self.url = self.nowhere = f"sqlite:///{path}"
        self._path = str(path)

    def execute(self, sql: str) -> None:
        db = apsw.Connection(self._path)
        try:
            db.execute(sql)
        finally:
            db.close()

    def set_version(self, version: int) -> None:
        self.execute(f"PRAGMA user_version = {version}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        db = apsw.Connection(self._path)
        db.set_busy_timeout(10_000)
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.close()


class PostgresStore:
    """A database of its own on the tests' server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.nowhere = f"{url}_that_is_not_there"

    def execute(self, sql: str) -> None:
        with psycopg.connect(self.url) as db:
            db.execute(sql)

    def set_version(self, version: int) -> None:
        self.execute(f"DELETE FROM event_schema; INSERT INTO event_schema VALUES ({version})")

    @contextmanager
    def locked(self) -> Iterator[None]:
        with psycopg.connect(self.url) as db:
            db.execute("SELECT pg_advisory_xact_lock(%s)", (postgres.APPEND_LOCK,))
            yield


def commit(backend: Backend, *events: Event, origin: Origin | None = None) -> Sequence[Receipt]:
    return backend.commit(lambda: [Entry(each, digest(each), origin) for each in events])


def everything(backend: Backend) -> Page:
    return backend.newest(None, ALL, ALL)


def ids(page: Page) -> list[str]:
    return [record.event.id for record in page.records]


def positions(page: Page) -> list[int]:
    return [record.position for record in page.records]
