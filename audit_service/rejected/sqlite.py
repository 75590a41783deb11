"""Rejected messages in the event log's SQLite file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apsw

from audit_service.log import DiskFull, HasRoom
from audit_service.log.sqlite_connections import connect, store_errors
from audit_service.rejected.message import (
    COLUMNS,
    NO_LIMIT,
    RejectedMessage,
    StoredRejection,
    row_of,
    stored_rejection,
)
from service_kit.clock import now_in_microseconds

_COLUMNS = ", ".join(COLUMNS)
_INSERT = f"""INSERT INTO rejected ({_COLUMNS}) VALUES ({", ".join("?" * len(COLUMNS))})
    ON CONFLICT DO NOTHING"""
_SELECT = f"SELECT id, {_COLUMNS} FROM rejected"
_DELETE_OLDEST = """DELETE FROM rejected WHERE kafka_topic IS NULL AND id NOT IN
    (SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id DESC) AS total FROM
        (SELECT id, length(headers) + coalesce(length(value), 0) AS size FROM rejected
         WHERE kafka_topic IS NULL ORDER BY id DESC LIMIT ?) AS newest) AS sized
     WHERE total <= ?)"""


class SqliteRejected:
    """A RejectedStore (see there). It connects for each use, for there are few."""

    def __init__(self, path: str, has_room: HasRoom | None = None) -> None:
        self._path = path
        self._has_room = has_room

    def save(
        self,
        messages: Sequence[RejectedMessage],
        at_most: int | None = None,
        max_bytes: int = NO_LIMIT,
    ) -> None:
        size = sum(message.size for message in messages)
        if self._has_room is not None and not self._has_room(size):
            raise DiskFull("the disk is full up to its reserve")
        now = now_in_microseconds()
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_INSERT, [row_of(message, now) for message in messages])
            if at_most is not None:
                db.execute(_DELETE_OLDEST, (at_most, max_bytes))
            db.execute("COMMIT")

    def page(self, after: int, limit: int) -> Sequence[StoredRejection]:
        with self._connection() as db:
            rows = db.execute(f"{_SELECT} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
            return [stored_rejection(row) for row in rows]

    def get(self, number: int) -> StoredRejection | None:
        with self._connection() as db:
            row = db.execute(f"{_SELECT} WHERE id = ?", (number,)).fetchone()
        return None if row is None else stored_rejection(row)

    def drop(self, number: int) -> bool:
        with self._connection() as db:
            db.execute("DELETE FROM rejected WHERE id = ?", (number,))
            return db.changes() > 0

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        with store_errors():
            db = connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            try:
                yield db
            finally:
                db.close()
