"""Outbox queue: reads events from the outbox for the relay, and writes their outcomes."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, Select, Update, delete, exists, select, update

from service_kit.clock import now, to_microseconds
from user_service.relay.lease import Lease
from user_service.relay.queued_events import BackingOff, PendingWrites, QueuedEvent
from user_service.relay.timing import RelayTiming
from user_service.store import outbox
from user_service.store.outbox import State
from user_service.store.tables import OUTBOX
from user_service.store.transactions import reading

CHUNK = 500


class OutboxQueue:
    """The outbox of one relay. Reads at any time; writes MUST be fenced by the lease."""

    def __init__(
        self,
        engine: Engine,
        lease: Lease,
        timing: RelayTiming,
        wall_clock: Callable[[], datetime] = now,
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._timing = timing
        self._wall_clock = wall_clock

    def oldest(self, limit: int, besides: Collection[str]) -> Sequence[QueuedEvent]:
        """At most `limit` events, the oldest first; none of the users `besides`, nor of users
        with an event that backs off.

        MUST read from the beginning: an event can become visible after one with a higher id.
        """
        ahead = OUTBOX.alias()
        behind = exists().where(ahead.c.subject == OUTBOX.c.subject, ahead.c.backoff_seconds > 0)
        query = _waiting().where(~behind).order_by(OUTBOX.c.id).limit(limit)
        if besides:
            query = query.where(OUTBOX.c.subject.not_in(besides))
        return self._read(query)

    def by_id(self, ids: Sequence[int]) -> Sequence[QueuedEvent]:
        """The events of these ids that still wait."""
        return [
            event
            for chunk in _chunks(ids)
            for event in self._read(_waiting().where(OUTBOX.c.id.in_(chunk)))
        ]

    def backing_off(self) -> Sequence[BackingOff]:
        """Every event that backs off."""
        query = select(OUTBOX.c.id, OUTBOX.c.subject, OUTBOX.c.backoff_seconds).where(
            OUTBOX.c.state == State.WAITING, OUTBOX.c.backoff_seconds > 0
        )
        with reading(self._engine) as connection:
            return [BackingOff(*row) for row in connection.execute(query)]

    def dead_letters(self) -> int:
        """How many dead letters there are, or as many as may be. Raises StoreUnavailable."""
        with reading(self._engine) as connection:
            return outbox.count(connection, State.DEAD, at_most=self._timing.dead_letters_max)

    def write(self, pending: PendingWrites) -> None:
        """Write the outcomes in one transaction. Raises LeaseLost, StoreUnavailable."""
        with self._lease.fenced_transaction() as connection:
            self._deliver(connection, pending.delivered)
            for reason, ids in pending.failed.items():
                for chunk in _chunks(ids):
                    connection.execute(_attempted(reason).where(OUTBOX.c.id.in_(chunk)))
            for event, reason in pending.backing_off:
                times = {
                    "tried_seconds": event.tried_seconds,
                    "backoff_seconds": event.backoff_seconds,
                }
                statement = _attempted(reason).values(times).where(OUTBOX.c.id == event.id)
                connection.execute(statement)
            for number, reason in pending.dead.items():
                ended = {"state": State.DEAD, "backoff_seconds": 0.0, "settled_at": self._now()}
                statement = _attempted(reason).values(ended).where(OUTBOX.c.id == number)
                connection.execute(statement)

    def purge(self) -> bool:
        """Delete delivered events that were kept long enough; whether there may be more of them.

        Raises LeaseLost, StoreUnavailable.
        """
        oldest = to_microseconds(self._wall_clock() - self._timing.keep)
        old = select(OUTBOX.c.id).where(
            OUTBOX.c.state == State.DELIVERED, OUTBOX.c.settled_at < oldest
        )
        with self._lease.fenced_transaction() as connection:
            few = old.order_by(OUTBOX.c.id).limit(self._timing.purge_size)
            purged = connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(few))).rowcount
        return purged >= self._timing.purge_size

    def _deliver(self, connection: Connection, ids: Sequence[int]) -> None:
        for chunk in _chunks(ids):
            if self._timing.keep:
                ended = {
                    "state": State.DELIVERED,
                    "backoff_seconds": 0.0,
                    "settled_at": self._now(),
                }
                connection.execute(
                    update(OUTBOX)
                    .where(OUTBOX.c.id.in_(chunk))
                    .values(attempts=OUTBOX.c.attempts + 1, **ended)
                )
            else:
                connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(chunk)))

    def _now(self) -> int:
        return to_microseconds(self._wall_clock())

    def _read(self, query: Select[tuple[int, str, bytes, float, float]]) -> Sequence[QueuedEvent]:
        with reading(self._engine) as connection:
            return [
                QueuedEvent(row.id, row.subject, row.event, row.tried_seconds, row.backoff_seconds)
                for row in connection.execute(query)
            ]


def _waiting() -> Select[tuple[int, str, bytes, float, float]]:
    return select(
        OUTBOX.c.id,
        OUTBOX.c.subject,
        OUTBOX.c.event,
        OUTBOX.c.tried_seconds,
        OUTBOX.c.backoff_seconds,
    ).where(OUTBOX.c.state == State.WAITING)


def _attempted(reason: str) -> Update:
    return update(OUTBOX).values(attempts=OUTBOX.c.attempts + 1, last_error=reason)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
