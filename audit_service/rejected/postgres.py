"""Rejected messages in the event log's PostgreSQL database."""

from collections.abc import Sequence

from audit_service.log.postgres_connections import connect, store_errors
from audit_service.rejected.message import (
    COLUMNS,
    NO_LIMIT,
    RejectedMessage,
    StoredRejection,
    row_of,
    stored_rejection,
)
from service_kit.clock import now_in_microseconds
from service_kit.database_url import PostgresDatabase

_COLUMNS = ", ".join(COLUMNS)
_INSERT = f"""INSERT INTO rejected ({_COLUMNS}) VALUES ({", ".join(["%s"] * len(COLUMNS))})
    ON CONFLICT DO NOTHING"""
_SELECT = f"SELECT id, {_COLUMNS} FROM rejected"
_DELETE_OLDEST = """DELETE FROM rejected WHERE kafka_topic IS NULL AND id NOT IN
    (SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id DESC) AS total FROM
        (SELECT id, length(headers) + coalesce(length(value), 0) AS size FROM rejected
         WHERE kafka_topic IS NULL ORDER BY id DESC LIMIT %s) AS newest) AS sized
     WHERE total <= %s)"""


class PostgresRejected:
    """A RejectedStore (see there). It connects for each use, for there are few."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def save(
        self,
        messages: Sequence[RejectedMessage],
        at_most: int | None = None,
        max_bytes: int = NO_LIMIT,
    ) -> None:
        now = now_in_microseconds()
        with store_errors(), connect(self._database) as db, db.transaction():
            db.execute("SET LOCAL synchronous_commit = on")
            db.cursor().executemany(_INSERT, [row_of(message, now) for message in messages])
            if at_most is not None:
                db.execute(_DELETE_OLDEST, (at_most, max_bytes))

    def page(self, after: int, limit: int) -> Sequence[StoredRejection]:
        query = f"{_SELECT} WHERE id > %s ORDER BY id LIMIT %s"
        with store_errors(), connect(self._database) as db:
            return [stored_rejection(row) for row in db.execute(query, (after, limit))]

    def get(self, number: int) -> StoredRejection | None:
        with store_errors(), connect(self._database) as db:
            row = db.execute(f"{_SELECT} WHERE id = %s", (number,)).fetchone()
        return None if row is None else stored_rejection(row)

    def drop(self, number: int) -> bool:
        with store_errors(), connect(self._database) as db:
            return db.execute("DELETE FROM rejected WHERE id = %s", (number,)).rowcount > 0
