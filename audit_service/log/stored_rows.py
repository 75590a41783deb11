"""Stored rows: every column of the log, the derived ones too, for who checks them anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apsw
import psycopg

from audit_service.log import postgres_connections, rows, sqlite_connections
from audit_service.log.backend import LOCK_SECONDS, Record
from audit_service.log.open import database_at
from service_kit import postgres
from service_kit.database_url import PostgresDatabase, SqliteFile
from service_kit.postgres import Session

_COLUMNS: Final = (*rows.SELECTED, "identity", "digest", "digest_version")
_DERIVED: Final = len(_COLUMNS) - len(rows.SELECTED)
_FROM: Final = f"SELECT {', '.join(_COLUMNS)} FROM {rows.STORED}"
_RANGE: Final = "WHERE position > {0} AND position <= {0} ORDER BY position"
_LAST: Final = "SELECT coalesce(max(position), 0) FROM event"
_FIRST: Final = "SELECT coalesce(min(position), 1) FROM event"
_REPEATED: Final = """SELECT position, first FROM event JOIN (
    SELECT identity, min(position) AS first FROM event GROUP BY identity HAVING count(*) > 1
) AS repeated USING (identity) WHERE position > first"""
_STATEMENT_SECONDS: Final = 3600
_IDLE_SECONDS: Final = 600


class RowUnreadable(Exception):
    """A row has something that no row of the log has; the message says what."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A record, and what is derived of it. `version`: of the digest's form; None is 1."""

    record: Record
    identity: bytes
    digest: bytes
    version: int | None


Execute = Callable[[str, tuple[Any, ...]], Iterator[tuple[Any, ...]]]


class StoredRows:
    """The rows of one log, for one thread. Its methods raise LogUnavailable."""

    def __init__(self, execute: Execute, mark: str) -> None:
        self._execute = execute
        self._range = f"{_FROM} {_RANGE.format(mark)}"

    def last(self) -> int:
        """The last position, 0 where there is none."""
        ((last,),) = self._execute(_LAST, ())
        return int(last)

    def first(self) -> int:
        """The first position, 1 where there is none."""
        ((first,),) = self._execute(_FIRST, ())
        return int(first)

    def between(self, after: int, until: int) -> Iterator[StoredRow]:
        """Those above one position and up to another, in order. Raises RowUnreadable."""
        found = self._execute(self._range, (after, until))
        while True:
            try:
                row = next(found, None)
            except UnicodeDecodeError:
                raise RowUnreadable("has text that is not UTF-8") from None
            if row is None:
                return
            yield _stored_row(row)

    def conflicts(self) -> Mapping[int, int]:
        """Of each position whose source and id an earlier one has, too: the first such."""
        return dict(self._execute(_REPEATED, ()))


@contextmanager
def stored_rows(url: str, password: str = "") -> Iterator[StoredRows]:
    """The rows of the log at `url`. Raises LogUnavailable."""
    database = database_at(url, password)
    opened = _sqlite(database) if isinstance(database, SqliteFile) else _postgres(database)
    with opened as found:
        yield found


@contextmanager
def _sqlite(database: SqliteFile) -> Iterator[StoredRows]:
    with sqlite_connections.store_errors():
        db = sqlite_connections.connect(database.path, apsw.SQLITE_OPEN_READWRITE)
        db.execute("PRAGMA query_only = ON")

        def execute(sql: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
            return iter(db.execute(sql, parameters))

        with closing(db):
            yield StoredRows(execute, "?")


@contextmanager
def _postgres(database: PostgresDatabase) -> Iterator[StoredRows]:
    session = Session(LOCK_SECONDS, _STATEMENT_SECONDS, _IDLE_SECONDS, {"timezone": "UTC"})
    with postgres_connections.store_errors():
        db = postgres.connect(database, session, autocommit=True)

        def execute(sql: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
            with db.transaction(), psycopg.ServerCursor(db, "rows") as cursor:
                # Behind a pooler, and nowhere else, a session has not kept them.
                db.execute(f"SELECT {session.set_in_transaction()}")
                cursor.execute(sql, parameters)
                yield from postgres_connections.fetched(cursor)

        with closing(db):
            yield StoredRows(execute, "%s")


def _stored_row(row: tuple[Any, ...]) -> StoredRow:
    identity, digest, version = row[-_DERIVED:]
    try:
        record = rows.record(row[:-_DERIVED])
        rows.check_form(row, record.event)
    except (ValueError, TypeError, KeyError) as error:
        raise RowUnreadable(f"has what no event has: {type(error).__name__}") from None
    return StoredRow(record, bytes(identity), bytes(digest), version)
