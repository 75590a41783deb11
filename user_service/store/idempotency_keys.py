"""Idempotency keys: the creation that each stands for, and the claim to make it."""

from datetime import timedelta

from sqlalchemy import Connection, Row, Update, delete, insert, select, update

from service_kit.clock import from_microseconds, now, to_microseconds
from user_service.store.claims import Claim, Expiry
from user_service.store.tables import IDEMPOTENCY_KEYS
from user_service.users.domain import (
    ChangeKind,
    ConcurrentChange,
    IdempotentCreation,
    User,
    UserChange,
)


class IdempotencyKeys:
    """Claims of creations by key. Each method is one step of a transaction."""

    def __init__(self, expiry: Expiry, *, kept: timedelta) -> None:
        """`kept`: for how long a key is known."""
        self._expiry = expiry
        self._kept = kept

    def put(
        self,
        connection: Connection,
        claim: Claim,
        change: UserChange,
        event: bytes,
        *,
        done: bool = False,
    ) -> None:
        """Let the key stand for the change, and forget those that are too old.

        Raises RowExists where it stands for something already.
        """
        oldest = IDEMPOTENCY_KEYS.c.created_at < self._oldest()
        connection.execute(delete(IDEMPOTENCY_KEYS).where(oldest))
        connection.execute(
            insert(IDEMPOTENCY_KEYS).values(
                key=claim.key,
                user_id=change.user.id,
                name=change.user.name,
                password_hash=change.password_hash,
                created_at=to_microseconds(change.user.created_at),
                event=event,
                holder=claim.holder,
                lapses_at=self._expiry.moment(),
                done=done,
            )
        )

    def find(self, connection: Connection, key: str) -> IdempotentCreation | None:
        """What the key stands for, unless it is too old."""
        query = select(IDEMPOTENCY_KEYS).where(
            IDEMPOTENCY_KEYS.c.key == key, IDEMPOTENCY_KEYS.c.created_at >= self._oldest()
        )
        row = connection.execute(query).one_or_none()
        return None if row is None else _creation(row)

    def take_over(self, connection: Connection, claim: Claim) -> None:
        """Claim a key whose claim has expired, and whose creation is not made.

        Raises ConcurrentChange.
        """
        this = IDEMPOTENCY_KEYS.c.key == claim.key
        held = select(IDEMPOTENCY_KEYS).where(this).with_for_update()
        row = connection.execute(held).one_or_none()
        if row is None or row.done or not self._expiry.is_past(row.lapses_at):
            raise ConcurrentChange
        taken = {"holder": claim.holder, "lapses_at": self._expiry.moment()}
        connection.execute(update(IDEMPOTENCY_KEYS).where(this).values(taken))

    def release(self, connection: Connection, claim: Claim) -> None:
        """Let others try at once what the key stands for."""
        connection.execute(_of(claim).values(lapses_at=0))

    def settle(self, connection: Connection, claim: Claim) -> bool:
        """The creation is made; whether the claim was still held."""
        return connection.execute(_of(claim).values(done=True)).rowcount == 1

    def _oldest(self) -> int:
        return to_microseconds(now() - self._kept)


def _of(claim: Claim) -> Update:
    """An update of the key, while it is held so."""
    return update(IDEMPOTENCY_KEYS).where(
        IDEMPOTENCY_KEYS.c.key == claim.key, IDEMPOTENCY_KEYS.c.holder == claim.holder
    )


def _creation(row: Row[tuple[object, ...]]) -> IdempotentCreation:
    at = from_microseconds(row.created_at)
    user = User(row.user_id, row.name, version=1, created_at=at, updated_at=at)
    change = UserChange(ChangeKind.CREATED, user, at, row.password_hash)
    return IdempotentCreation(row.key, change, row.event, row.done)
