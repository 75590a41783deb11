"""Writer of the users' database: on SQLite, concurrent changes share a commit.

On SQLite one transaction at a time can write. On PostgreSQL transactions run side by side, and
the server groups their commits itself.
"""

import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from sqlalchemy import Connection, Engine

from service_kit.group_commit import Drain, GroupCommit, OutcomeUnknown, QueueTimeout
from user_service.store.transactions import (
    BUSY_SECONDS,
    RowExists,
    StoreUnavailable,
    store_errors,
    writing,
)

# As PostgreSQL's commit_siblings and commit_delay: while so many changes are in progress, a commit
# waits for so long for others to share it, since it costs several times what is in it.
SIBLINGS = 2
DELAY_SECONDS = 0.004

Work = Callable[[Connection], None]


class Writer:
    """Runs changes in transactions. Safe for any number of threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        siblings: Callable[[], int] = lambda: 0,
        delay: Callable[[float], object] = time.sleep,
    ) -> None:
        """`siblings`: how many changes are in progress, each of which will write again soon."""
        self._engine = engine
        self._siblings = siblings
        self._delay = delay
        self._shared = GroupCommit(self._commit, timeout=BUSY_SECONDS)

    @property
    def queued(self) -> int:
        """Calls that wait for a commit and that none has taken up yet."""
        return self._shared.queued

    def write(self, work: Work) -> None:
        """Return once all that `work` does is on disk.

        Another thread may run it, with the context variables of this one. Raises what `work`
        raises, or RowExists: then nothing of it is stored. Raises StoreUnavailable where it is
        not known to be stored.
        """
        if self._engine.dialect.name != "sqlite":
            with writing(self._engine) as connection:
                work(connection)
            return
        context = copy_context()
        error = self._shared_commit(lambda connection: context.run(work, connection))
        if error is not None:
            raise error

    def _shared_commit(self, work: Work) -> Exception | None:
        try:
            return self._shared(work)
        except QueueTimeout:
            raise StoreUnavailable("Busy") from None
        except OutcomeUnknown as error:
            raise StoreUnavailable(_name_of(error.__cause__)) from error.__cause__

    def _commit(self, drain: Drain[Work]) -> list[Exception | None]:
        if self._siblings() >= SIBLINGS:
            self._delay(DELAY_SECONDS)
        with writing(self._engine) as connection:
            return [_try(connection, work) for work in drain()]


def _name_of(reason: BaseException | None) -> str:
    if reason is None:
        return "Busy"
    return str(reason) if isinstance(reason, StoreUnavailable) else type(reason).__name__


def _try(connection: Connection, work: Work) -> Exception | None:
    """Do the work, or undo it and return what it raised.

    Raises any other failure, which MUST end the whole transaction: none of it is committed.
    """
    # The driver's own connection: through SQLAlchemy a savepoint costs more than the work in it.
    driver: Any = connection.connection.driver_connection
    driver.execute("SAVEPOINT work")
    try:
        with store_errors():
            work(connection)
    except Exception as error:
        if isinstance(error, StoreUnavailable) and not isinstance(error, RowExists):
            raise
        driver.execute("ROLLBACK TO work")
        driver.execute("RELEASE work")
        return error
    driver.execute("RELEASE work")
    return None
