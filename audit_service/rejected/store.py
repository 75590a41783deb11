"""Store of rejected messages: its protocol, and the store for a database URL."""

from collections.abc import Sequence
from typing import Protocol

from audit_service.log import database_at
from audit_service.rejected.message import (
    NO_LIMIT,
    RejectedMessage,
    RejectionSummary,
    StoredRejection,
)
from audit_service.rejected.postgres import PostgresRejected
from audit_service.rejected.sqlite import SqliteRejected
from service_kit import disk_reserve
from service_kit.database_url import SqliteFile
from service_kit.disk_reserve import HasRoom


class RejectedStore(Protocol):
    """Where rejected messages are kept. Safe for any number of threads and processes.

    Every method raises LogUnavailable where the database cannot be used now.
    """

    def save(
        self,
        messages: Sequence[RejectedMessage],
        at_most: int | None = None,
        max_bytes: int = NO_LIMIT,
    ) -> None:
        """Keep the messages, all or none; one that is kept already stays as it is.

        MUST NOT return before the commit is on disk. `at_most` and `max_bytes`: how many of those
        that came over HTTP are kept, and their bytes in all; the oldest of them go. What came
        from Kafka is never dropped here. Raises DiskFull, too.
        """
        ...

    def page(self, after: int, limit: int) -> Sequence[StoredRejection]:
        """At most `limit` messages with an id above `after`, the oldest first."""
        ...

    def summaries(self, before: int, limit: int) -> Sequence[RejectionSummary]:
        """At most `limit` of those with an id below `before`, the newest first."""
        ...

    def get(self, number: int) -> StoredRejection | None:
        """The message of an id, None where there is none."""
        ...

    def drop(self, number: int) -> bool:
        """Forget the message of an id; whether there was one."""
        ...


def open_rejected(
    url: str, password: str = "", has_room: HasRoom = disk_reserve.always
) -> RejectedStore:
    """The store in the event log's database at `url`, which must exist and be up to date.

    `has_room` is asked before messages are kept in a SQLite file.
    Connects when it is used. Raises UnsupportedDatabase.
    """
    database = database_at(url, password)
    if isinstance(database, SqliteFile):
        return SqliteRejected(database.path, has_room)
    return PostgresRejected(database)
