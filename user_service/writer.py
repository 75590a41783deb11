"""Writing to the users' database: who writes at the same time shares a commit, on SQLite.

There only one transaction at a time can write; PostgreSQL's run side by side, and share what
they wait for by themselves.
"""

from collections.abc import Callable
from contextvars import copy_context

from sqlalchemy import Connection, Engine

from service_kit.group_commit import CommitFailed, GroupCommit, NoTurn, Take
from user_service.transactions import (
    BUSY_SECONDS,
    RowExists,
    StoreUnavailable,
    translated,
    writing,
)

Work = Callable[[Connection], None]


class Writer:
    """Safe for any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shared = GroupCommit(self._commit, patience=BUSY_SECONDS)

    def write(self, work: Work) -> None:
        """Return once all that `work` does is on disk; where it raises, nothing of it is.

        Another thread may do it, in this one's context. Raises what it raises; StoreUnavailable;
        RowExists, where that is why.
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
        except NoTurn:
            raise StoreUnavailable("Busy") from None
        except CommitFailed as error:
            if isinstance(error.__cause__, StoreUnavailable):
                raise StoreUnavailable(str(error.__cause__)) from error.__cause__
            raise RuntimeError("the commit failed") from error.__cause__

    def _commit(self, take: Take[Work]) -> list[Exception | None]:
        with writing(self._engine) as connection:
            return [_done(connection, work) for work in take()]


def _done(connection: Connection, work: Work) -> Exception | None:
    """Do it, or leave no trace of it: then what it raised.

    Raises StoreUnavailable, and then nobody's work can be committed.
    """
    try:
        with translated(), connection.begin_nested():
            work(connection)
    except RowExists as error:
        return error
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - its caller's; the others' work goes on
        return error
    return None
