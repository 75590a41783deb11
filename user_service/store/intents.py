"""Intents: changes that are begun, each committed before the first byte of its event is sent.

    begin ──▶ held ──settle──▶ gone: the change is made, or never will be
               │ ▲
         release │ take_over raises the fence
               ▼ │
             released: what became of the event is not known

An intent outlives its holder. It is taken over at once where it was released, and else by a
process that, by its own monotonic clock, saw its fence stand still for longer than a delivery can
take: no two clocks are compared. Every write of a holder is conditional on its fence, so a holder
that was paused for longer changes nothing.

While there is an intent of a user nobody else changes them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from service_kit.clock import from_microseconds, to_microseconds
from user_service.store.tables import INTENTS
from user_service.users.domain import ChangeKind, ConcurrentChange, User, UserChange

_FENCE_BITS = 62
FEW = 100
"""The most intents of one look for such as can be taken over."""


# Made once: to make a statement costs more than to run it.
_PUT = insert(INTENTS)
_SETTLE = delete(INTENTS).where(
    INTENTS.c.user_id == bindparam("of_user"), INTENTS.c.fence == bindparam("at_fence")
)


class ClaimLost(Exception):
    """Another process has taken the intent over, or has settled it; nothing changed."""


class IntentsLeft(Exception):
    """Changes of direct delivery are not settled, and outbox delivery would overtake them."""

    def __init__(self, left: int) -> None:
        super().__init__(
            f"{left} changes that were begun in direct delivery are not settled: run "
            "`user-service run` with `direct` until `user-service check` passes with `outbox`"
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to settle the intent of a user, until its fence is raised.

    No two intents begin at the same fence: a holder of an earlier one cannot mistake it for its
    own.
    """

    user_id: str
    fence: int

    @classmethod
    def to_begin(cls, user_id: str) -> Self:
        """The claim on an intent that is yet to be put down."""
        return cls(user_id, secrets.randbits(_FENCE_BITS))


@dataclass(frozen=True, slots=True)
class Intent:
    """A change that was begun. `key`: the digest of the idempotency key that names a creation.

    `withdrawal`: the event that takes a creation back, once one was made.
    """

    change: UserChange
    event: bytes
    key: bytes | None = None
    withdrawal: bytes | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An intent as it is found: who may take it over depends on how long it is so."""

    claim: Claim
    released: bool


def is_withdrawn(change: UserChange, key: str | bytes | None) -> bool:
    """Whether the change, where what became of its event is not known, is withdrawn.

    A creation without a key is, since its client will ask for another. All else is completed.
    """
    return change.kind is ChangeKind.CREATED and key is None


def put(connection: Connection, intent: Intent, claim: Claim) -> None:
    """Insert the intent, held by that claim. Raises RowExists where the user has one."""
    change = intent.change
    values = {
        "user_id": change.user.id,
        "kind": change.kind.value,
        "name": change.user.name,
        "password_hash": change.password_hash,
        "version": change.user.version,
        "created_at": to_microseconds(change.user.created_at),
        "updated_at": to_microseconds(change.user.updated_at),
        "event": intent.event,
        "key": intent.key,
        "fence": claim.fence,
        "released": False,
        "attempts": 0,
    }
    connection.execute(_PUT, values)


def check_none(connection: Connection, user_id: str) -> None:
    """Raises ConcurrentChange where the user has an intent."""
    if connection.execute(select(INTENTS.c.fence).where(INTENTS.c.user_id == user_id)).first():
        raise ConcurrentChange


def check_all_settled(connection: Connection) -> None:
    """Raises IntentsLeft where there is an intent."""
    left = count(connection)
    if left:
        raise IntentsLeft(left)


def count(connection: Connection) -> int:
    """How many intents there are, those of changes in progress included."""
    counted: int = connection.execute(select(func.count()).select_from(INTENTS)).scalar_one()
    return counted


def settle(connection: Connection, claim: Claim) -> bool:
    """Delete the intent; whether the claim still held."""
    ours = {"of_user": claim.user_id, "at_fence": claim.fence}
    return connection.execute(_SETTLE, ours).rowcount == 1


def release(connection: Connection, claim: Claim) -> bool:
    """Let any process take the intent over; whether the claim still held."""
    return _update(connection, claim, released=True)


def take_over(connection: Connection, claim: Claim) -> Claim | None:
    """A claim in place of the one that was found; None where another process was first."""
    ours = Claim(claim.user_id, claim.fence + 1)
    attempts = INTENTS.c.attempts + 1
    taken = _update(connection, claim, fence=ours.fence, released=False, attempts=attempts)
    return ours if taken else None


def keep_withdrawal(connection: Connection, claim: Claim, event: bytes) -> bool:
    """Keep the event that takes the creation back; whether the claim still held."""
    return _update(connection, claim, withdrawal=event)


def find(connection: Connection, user_id: str) -> tuple[Intent, Unsettled] | None:
    """The intent of the user, and how it is found."""
    row = connection.execute(select(INTENTS).where(INTENTS.c.user_id == user_id)).one_or_none()
    return None if row is None else (_intent(row), _unsettled(row))


def unsettled(connection: Connection) -> Sequence[Unsettled]:
    """Some intents that are held, and of those that are released the least often tried."""
    columns = select(INTENTS.c.user_id, INTENTS.c.fence, INTENTS.c.released)
    least_tried = columns.where(INTENTS.c.released).order_by(INTENTS.c.attempts).limit(FEW)
    held = columns.where(~INTENTS.c.released).order_by(INTENTS.c.user_id)
    return [_unsettled(row) for query in (least_tried, held) for row in connection.execute(query)]


def _update(connection: Connection, claim: Claim, **values: object) -> bool:
    """Update the intent; whether the claim still held."""
    held = (INTENTS.c.user_id == claim.user_id, INTENTS.c.fence == claim.fence)
    return connection.execute(update(INTENTS).where(*held).values(values)).rowcount == 1


def _unsettled(row: Row[*tuple[Any, ...]]) -> Unsettled:
    return Unsettled(Claim(row.user_id, row.fence), row.released)


def _intent(row: Row[*tuple[Any, ...]]) -> Intent:
    at = from_microseconds(row.updated_at)
    user = User(row.user_id, row.name, row.version, from_microseconds(row.created_at), at)
    change = UserChange(ChangeKind(row.kind), user, at, row.password_hash)
    return Intent(change, row.event, row.key, row.withdrawal)
