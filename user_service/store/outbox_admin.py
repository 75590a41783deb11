"""Administration of the outbox: list, show, retry, replay and drop events; the lease."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, text, update

from service_kit.clock import from_microseconds
from user_service.store.outbox import CHANNEL, State
from user_service.store.tables import OUTBOX, RELAY


@dataclass(frozen=True, slots=True)
class Selection:
    """Filter of events: those that meet every condition that is given; all where none is."""

    ids: Sequence[int] = ()
    user: str | None = None
    type: str | None = None
    states: Sequence[State] = tuple(State)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions of a query."""
        conditions: list[ColumnElement[bool]] = [OUTBOX.c.state.in_(self.states)]
        if self.ids:
            conditions.append(OUTBOX.c.id.in_(self.ids))
        if self.user is not None:
            conditions.append(OUTBOX.c.subject == self.user)
        if self.type is not None:
            conditions.append(OUTBOX.c.type == self.type)
        return conditions


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """The active relay; `holder` is None where the last one has released the lease."""

    holder: str | None
    fence: int


def list_events(
    connection: Connection, selection: Selection, limit: int
) -> Sequence[dict[str, Any]]:
    """Entries of at most `limit` events, the oldest first, without the events themselves."""
    query = select(OUTBOX).where(*selection.conditions()).order_by(OUTBOX.c.id).limit(limit)
    return [_entry(row) for row in connection.execute(query)]


def event(connection: Connection, number: int) -> tuple[dict[str, Any], bytes] | None:
    """An entry, and its event in the JSON format; None where there is none of that id."""
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == number)).one_or_none()
    return None if row is None else (_entry(row), row.event)


def lease(connection: Connection) -> LeaseHolder:
    """The lease of the active relay."""
    row = connection.execute(select(RELAY.c.holder, RELAY.c.fence)).one()
    return LeaseHolder(row.holder, row.fence)


def retry(connection: Connection, selection: Selection) -> int:
    """Make events that back off due at once; returns how many."""
    waits = OUTBOX.c.state == State.WAITING
    due = update(OUTBOX).values(backoff_seconds=0.0, tried_seconds=0.0)
    result = connection.execute(
        due.where(*selection.conditions(), waits, OUTBOX.c.backoff_seconds > 0)
    )
    _notify(connection)
    return result.rowcount


def replay(connection: Connection, selection: Selection) -> int:
    """Return dead letters to the queue, as if they had never been tried; returns how many."""
    dead = OUTBOX.c.state == State.DEAD
    anew = {"state": State.WAITING, "tried_seconds": 0.0, "settled_at": None}
    result = connection.execute(update(OUTBOX).where(*selection.conditions(), dead).values(anew))
    _notify(connection)
    return result.rowcount


def drop(connection: Connection, selection: Selection) -> int:
    """Delete dead letters for ever; returns how many."""
    dead = OUTBOX.c.state == State.DEAD
    return connection.execute(delete(OUTBOX).where(*selection.conditions(), dead)).rowcount


def _notify(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))


def _entry(row: Row[tuple[Any, ...]]) -> dict[str, Any]:
    backs_off = row.state == State.WAITING and row.backoff_seconds > 0
    return {
        "id": row.id,
        "state": "backing off" if backs_off else row.state,
        "user": row.subject,
        "type": row.type,
        "created_at": from_microseconds(row.created_at).isoformat(),
        "attempts": row.attempts,
        "tried_seconds": round(row.tried_seconds, 1),
        "last_error": row.last_error,
    }
