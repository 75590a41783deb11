"""Idempotency keys: the creation that each names, and the claim to make it."""

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
        """`kept`: the age at which a key is forgotten."""
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
        """Let the key name the creation, and delete keys that are too old.

        Raises RowExists where it names one already.
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
        """The creation that the key names, unless the key is too old."""
        query = select(IDEMPOTENCY_KEYS).where(
            IDEMPOTENCY_KEYS.c.key == key, IDEMPOTENCY_KEYS.c.created_at >= self._oldest()
        )
        row = connection.execute(query).one_or_none()
        return None if row is None else _creation(row)

    def take_over(self, connection: Connection, claim: Claim) -> None:
        """Claim a creation that is not made, and whose claim has expired.

        Raises ConcurrentChange.
        """
        same_key = IDEMPOTENCY_KEYS.c.key == claim.key
        locked = select(IDEMPOTENCY_KEYS).where(same_key).with_for_update()
        row = connection.execute(locked).one_or_none()
        if row is None or row.done or not self._expiry.is_past(row.lapses_at):
            raise ConcurrentChange
        ours = {"holder": claim.holder, "lapses_at": self._expiry.moment()}
        connection.execute(update(IDEMPOTENCY_KEYS).where(same_key).values(ours))

    def release(self, connection: Connection, claim: Claim) -> None:
        """End the claim: the next try of the creation need not wait for its expiry."""
        connection.execute(_of(claim).values(lapses_at=0))

    def settle(self, connection: Connection, claim: Claim) -> bool:
        """End the claim, since the creation is made; whether it was still there."""
        return connection.execute(_of(claim).values(done=True)).rowcount == 1

    def _oldest(self) -> int:
        return to_microseconds(now() - self._kept)


def _of(claim: Claim) -> Update:
    """An update of the key's row, unless another claim has taken its place."""
    return update(IDEMPOTENCY_KEYS).where(
        IDEMPOTENCY_KEYS.c.key == claim.key, IDEMPOTENCY_KEYS.c.holder == claim.holder
    )


def _creation(row: Row[tuple[object, ...]]) -> IdempotentCreation:
    at = from_microseconds(row.created_at)
    user = User(row.user_id, row.name, version=1, created_at=at, updated_at=at)
    change = UserChange(ChangeKind.CREATED, user, at, row.password_hash)
    return IdempotentCreation(row.key, change, row.event, row.done)
