"""Rejected messages in the event log's SQLite file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apsw

from audit_service.log import DiskFull
from audit_service.log.sqlite_connections import connect, store_errors
from audit_service.rejected.message import (
    NO_LIMIT,
    RejectedMessage,
    RejectionSummary,
    StoredRejection,
    row_of,
    stored_rejection,
    summary,
)
from audit_service.rejected.statements import Statements
from service_kit import disk_reserve
from service_kit.clock import now_in_microseconds
from service_kit.disk_reserve import HasRoom

_SQL = Statements("?")


class SqliteRejected:
    """A RejectedStore (see there). It connects for each use, for there are few."""

    def __init__(self, path: str, has_room: HasRoom = disk_reserve.always) -> None:
        self._path = path
        self._has_room = has_room

    def save(
        self,
        messages: Sequence[RejectedMessage],
        at_most: int | None = None,
        max_bytes: int = NO_LIMIT,
    ) -> None:
        if not self._has_room(sum(message.size for message in messages)):
            raise DiskFull("the disk is full up to its reserve")
        now = now_in_microseconds()
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_SQL.insert, [row_of(message, now) for message in messages])
            if at_most is not None:
                db.execute(_SQL.delete_oldest, (at_most, max_bytes))
            db.execute("COMMIT")

    def page(self, after: int, limit: int) -> Sequence[StoredRejection]:
        with self._connection() as db:
            rows = db.execute(_SQL.page, (after, limit))
            return [stored_rejection(row) for row in rows]

    def summaries(self, before: int, limit: int) -> Sequence[RejectionSummary]:
        with self._connection() as db:
            return [summary(row) for row in db.execute(_SQL.summaries, (before, limit))]

    def get(self, number: int) -> StoredRejection | None:
        with self._connection() as db:
            row = db.execute(_SQL.get, (number,)).fetchone()
        return None if row is None else stored_rejection(row)

    def drop(self, number: int) -> bool:
        with self._connection() as db:
            db.execute(_SQL.drop, (number,))
            return db.changes() > 0

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        with store_errors():
            db = connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            try:
                yield db
            finally:
                db.close()
