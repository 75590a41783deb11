"""Running time: a count of minutes in the database, which goes on while any process runs.

The wall clock can jump by a day, and one that is asked once cannot know. This count is raised by
a process that, by its own monotonic clock, saw it stand still for a minute: by one a minute at
most, however many processes there are, and by none while there is none.
"""

import time
from collections.abc import Callable

from sqlalchemy import Engine, ScalarSelect, select, update

from user_service.store.tables import RUNNING_TIME
from user_service.store.transactions import reading, writing

MINUTE = 60.0


def minutes() -> ScalarSelect[int]:
    """The count, as a part of a statement."""
    return select(RUNNING_TIME.c.minutes).scalar_subquery()


class RunningTime:
    """This process's part in the count. MUST be used by one thread at a time."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        # The count when it was read last, and since when it is known to be so, by `_clock`.
        self._seen: int | None = None
        self._since = 0.0

    def tick(self) -> None:
        """Raise the count if it is time to; to be called often. Raises StoreUnavailable."""
        if self._seen is not None and self._clock() - self._since < MINUTE:
            return
        with reading(self._engine) as connection:
            found: int = connection.execute(select(RUNNING_TIME.c.minutes)).scalar_one()
        if found == self._seen:
            self._raise(found)
            found += 1
        self._seen, self._since = found, self._clock()

    def _raise(self, found: int) -> None:
        """By one, unless another process did meanwhile."""
        unchanged = RUNNING_TIME.c.minutes == found
        with writing(self._engine) as connection:
            connection.execute(update(RUNNING_TIME).where(unchanged).values(minutes=found + 1))
