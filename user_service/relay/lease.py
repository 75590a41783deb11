"""Lease: the right to be the active relay, kept by a heartbeat, without two clocks agreeing.

    standby ──acquire()──▶ active ──release()──▶ standby (another takes over at once)
       ▲                   │    ▲
       │                   │    └─ every fenced transaction renews the lease
       │                   ▼
       └──LeaseLost─── not fresh: lease_seconds since the last renewal began

The `relay` row has a fencing number, a heartbeat and the holder's name. A standby takes over when,
by its own monotonic clock, the heartbeat stood still for `lease_seconds`, or there is no holder:
it raises the fencing number, which fails where the heartbeat moved in between.

Trust window: `is_fresh`. A renewal counts from before its transaction began, and a standby counts
from after it read the row, so no relay takes over while it is True, whatever the clocks show.
A batch MUST be sent only while it is. One that is in flight when the lease is lost may arrive
late, as a duplicate: the next relay sends the same events before their users' later ones.

Failures:
- Database away: the active relay sends on while fresh, tries again, and then loses the lease; a
  standby waits.
- Active relay paused or cut off: a standby takes over. The next fenced transaction of the old one
  matches no row and raises LeaseLost; nothing of it is written. What it had sent and not written
  down is sent again, with the same ids.
- Active relay killed: likewise, after `lease_seconds`.
- Takeover by two at once: one UPDATE matches the row, the other none.
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
    """Another relay has taken over, or may have; nothing was written."""


class Lease:
    """This process's part in the lease. It MUST be used by one thread at a time."""

    def __init__(
        self, engine: Engine, name: str, timing: RelayTiming, clock: Clock = time.monotonic
    ) -> None:
        """`name`: the holder's, as operators are shown it."""
        self._engine = engine
        self._name = name
        self._seconds = timing.lease_seconds
        self._watch_seconds = min(timing.watch_seconds, timing.lease_seconds / 4)
        self._clock = clock
        # The fencing number of the last takeover by this relay: MUST be in every write's condition.
        self._fence = 0
        # When the transaction of the last renewal began, by `_clock`.
        self._renewed_at = 0.0

    def acquire(self, stop: threading.Event) -> bool:
        """Wait until this is the active relay; False where `stop` was set before."""
        seen: tuple[int, int] | None = None
        since = self._clock()
        while not stop.is_set():
            try:
                row = self._row()
                # After the read, however long it took: when the holder raised it is not known.
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
        """A transaction in which this is the active relay; it renews the lease, too.

        Raises LeaseLost, StoreUnavailable.
        """
        began = self._clock()
        with writing(self._engine) as connection:
            # Locks the row until the commit, so that no other relay takes over in between.
            renewed = connection.execute(
                update(RELAY)
                .where(RELAY.c.fence == self._fence)
                .values(heartbeat=RELAY.c.heartbeat + 1)
            )
            if renewed.rowcount != 1:
                raise LeaseLost
            yield connection
        self._renewed_at = began

    def heartbeat(self) -> None:
        """Renew the lease with nothing else to write. Raises LeaseLost, StoreUnavailable."""
        with self.fenced_transaction():
            pass

    @property
    def next_heartbeat_in(self) -> float:
        """Seconds until a heartbeat is due; below 0 where it is late."""
        return self._renewed_at + self._seconds / 5 - self._clock()

    @property
    def is_fresh(self) -> bool:
        """Whether no other relay can have taken over yet. MUST be so when a batch is sent."""
        return self._clock() - self._renewed_at < self._seconds

    def release(self) -> None:
        """Let another relay take over at once. Raises LeaseLost, StoreUnavailable."""
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
