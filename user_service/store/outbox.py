"""Outbox: events that are stored with their changes, and delivered by the relay."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, insert, literal, select, text

from service_kit.clock import from_microseconds, now, to_microseconds
from user_service.store.tables import OUTBOX
from user_service.users.domain import UserChange

CHANNEL = "user_service_outbox"
"""The channel on which PostgreSQL notifies a relay of new events."""


class State(StrEnum):
    """State of an event in the outbox."""

    WAITING = "waiting"
    DEAD = "dead"
    DELIVERED = "delivered"


class OutboxFull(Exception):
    """As many events wait to be delivered as may."""


class OutboxNotEmpty(Exception):
    """Events wait in the outbox, and direct delivery would overtake them."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"{waiting} events wait in the outbox, and direct delivery would overtake them: run "
            "`user-service relay` until `user-service outbox status` shows none"
        )


def put(connection: Connection, change: UserChange, event: bytes) -> None:
    """Insert the event. MUST be in the transaction that makes the change, after the change: the
    ids of one user's events then rise in the order of their commits.
    """
    connection.execute(
        insert(OUTBOX).values(
            subject=change.user.id,
            type=change.kind.value,
            event=event,
            created_at=to_microseconds(now()),
            state=State.WAITING,
            attempts=0,
            tried_seconds=0.0,
            backoff_seconds=0.0,
        )
    )
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))


def check_room(connection: Connection, limit: int) -> None:
    """Raises OutboxFull where `limit` events wait already.

    Exact on SQLite; on PostgreSQL events of transactions that are open now are not counted.
    """
    state = OUTBOX.c.state == State.WAITING
    lowest = select(func.min(OUTBOX.c.id)).where(state).scalar_subquery()
    highest = select(func.max(OUTBOX.c.id)).where(state).scalar_subquery()
    span = connection.execute(select(highest - lowest + 1)).scalar_one()
    # They are no more than their ids span, which is quick to find; counting them is not.
    if span is not None and span >= limit and count(connection, State.WAITING, limit) >= limit:
        raise OutboxFull


def check_empty(connection: Connection) -> None:
    """Raises OutboxNotEmpty where an event waits; a dead letter does not."""
    waiting = count(connection, State.WAITING)
    if waiting:
        raise OutboxNotEmpty(waiting)


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of the outbox: events that wait, the oldest of them, dead letters."""

    waiting: int
    oldest_at: datetime | None
    dead: int

    @property
    def oldest_seconds(self) -> float:
        """Age of the oldest in seconds, by the wall clock; 0 where none waits."""
        return max(0.0, (now() - self.oldest_at).total_seconds()) if self.oldest_at else 0.0


def summary(connection: Connection) -> Summary:
    """The summary as of now."""
    first = select(OUTBOX.c.created_at).where(OUTBOX.c.state == State.WAITING)
    oldest = connection.execute(first.order_by(OUTBOX.c.id).limit(1)).scalar_one_or_none()
    return Summary(
        count(connection, State.WAITING),
        None if oldest is None else from_microseconds(oldest),
        count(connection, State.DEAD),
    )


def count(connection: Connection, state: State, at_most: int | None = None) -> int:
    """How many events are in a state; no more than `at_most` are counted."""
    query = select(literal(1)).where(OUTBOX.c.state == state).limit(at_most)
    counted: int = connection.execute(
        select(func.count()).select_from(query.subquery())
    ).scalar_one()
    return counted
