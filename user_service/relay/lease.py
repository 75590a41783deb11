"""Which relay is the active one: a lease that needs no two clocks to agree.

The holder raises a heartbeat in the database; who waits to take over watches it. Each measures
time by its own monotonic clock only. A takeover raises the fencing number, and every write of a
relay to the outbox is conditional on its own: one that was paused and wakes up changes nothing.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, Engine, Row, select, update

from user_service.relay.timing import Clock, RelayTiming
from user_service.store.tables import RELAY
from user_service.store.transactions import StoreUnavailable, reading, writing

log = structlog.get_logger()


class LeaseLost(Exception):
    """Another relay has taken over; nothing was written."""


class Lease:
    """This process's part in it. One thread at a time."""

    def __init__(
        self, engine: Engine, name: str, timing: RelayTiming, clock: Clock = time.monotonic
    ) -> None:
        """`name`: what others are shown of who holds it."""
        self._engine = engine
        self._name = name
        self._seconds = timing.lease_seconds
        self._watch_seconds = min(timing.watch_seconds, timing.lease_seconds / 4)
        self._clock = clock
        self._fence = 0
        self._renewed_at = 0.0

    def acquire(self, stop: threading.Event) -> bool:
        """Wait until this is the active relay; False where `stop` was set before."""
        seen: tuple[int, int] | None = None
        since = self._clock()
        while not stop.is_set():
            try:
                row = self._row()
                # After it was read, however long that took: when the holder raised it is not known.
                now = self._clock()
                if (row.fence, row.heartbeat) != seen:
                    seen, since = (row.fence, row.heartbeat), now
                if (row.holder is None or now - since >= self._seconds) and self._take_over(row):
                    return True
            except StoreUnavailable as error:
                log.warning("waiting for the database", reason=str(error))
            stop.wait(self._watch_seconds)
        return False

    @contextmanager
    def fenced_transaction(self) -> Iterator[Connection]:
        """A transaction in which this is the active relay; it is a heartbeat, too.

        Raises LeaseLost, StoreUnavailable.
        """
        began = self._clock()
        with writing(self._engine) as connection:
            # It locks the row until the commit, so that nobody takes over in between.
            beat = connection.execute(
                update(RELAY)
                .where(RELAY.c.fence == self._fence)
                .values(heartbeat=RELAY.c.heartbeat + 1)
            )
            if beat.rowcount != 1:
                raise LeaseLost
            yield connection
        self._renewed_at = began

    def heartbeat(self) -> None:
        """Show that this relay lives. Raises LeaseLost, StoreUnavailable."""
        with self.fenced_transaction():
            pass

    @property
    def next_heartbeat_in(self) -> float:
        """Seconds until it is time for a heartbeat; below 0 where it is late."""
        return self._renewed_at + self._seconds / 5 - self._clock()

    @property
    def is_fresh(self) -> bool:
        """Whether nobody can have taken over yet. MUST be so when an event is sent."""
        return self._clock() - self._renewed_at < self._seconds

    def release(self) -> None:
        """Let another take over at once."""
        with self.fenced_transaction() as connection:
            connection.execute(update(RELAY).values(holder=None))

    def _row(self) -> Row[tuple[int, int, int, str | None]]:
        with reading(self._engine) as connection:
            return connection.execute(select(RELAY)).one()

    def _take_over(self, row: Row[tuple[int, int, int, str | None]]) -> bool:
        began = self._clock()
        unchanged = (RELAY.c.fence == row.fence, RELAY.c.heartbeat == row.heartbeat)
        with writing(self._engine) as connection:
            taken = connection.execute(
                update(RELAY)
                .where(*unchanged)
                .values(fence=row.fence + 1, heartbeat=row.heartbeat + 1, holder=self._name)
            )
        if taken.rowcount != 1:
            return False
        self._fence, self._renewed_at = row.fence + 1, began
        log.info("this relay is the active one", fence=self._fence)
        return True
