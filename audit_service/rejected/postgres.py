"""Rejected messages in the event log's PostgreSQL database."""

from collections.abc import Sequence

from audit_service.log.postgres_connections import connect, store_errors
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
from service_kit.clock import now_in_microseconds
from service_kit.database_url import PostgresDatabase

_SQL = Statements("%s")


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
            db.cursor().executemany(_SQL.insert, [row_of(message, now) for message in messages])
            if at_most is not None:
                db.execute(_SQL.delete_oldest, (at_most, max_bytes))

    def page(self, after: int, limit: int) -> Sequence[StoredRejection]:
        with store_errors(), connect(self._database) as db:
            return [stored_rejection(row) for row in db.execute(_SQL.page, (after, limit))]

    def summaries(self, before: int, limit: int) -> Sequence[RejectionSummary]:
        with store_errors(), connect(self._database) as db:
            return [summary(row) for row in db.execute(_SQL.summaries, (before, limit))]

    def get(self, number: int) -> StoredRejection | None:
        with store_errors(), connect(self._database) as db:
            row = db.execute(_SQL.get, (number,)).fetchone()
        return None if row is None else stored_rejection(row)

    def drop(self, number: int) -> bool:
        with store_errors(), connect(self._database) as db:
            return db.execute(_SQL.drop, (number,)).rowcount > 0
