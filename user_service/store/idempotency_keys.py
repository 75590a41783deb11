"""Idempotency keys: the creation that each names. Only a digest of a key is kept.

Whether a repeat asks for the same is judged by the name alone: with the password in it the
answer would tell whether a guess is right, and something made of it would have to be kept.
"""

import hashlib
from datetime import timedelta
from math import ceil

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from service_kit.clock import from_microseconds, to_microseconds
from user_service.store.running_time import minutes
from user_service.store.tables import IDEMPOTENCY_KEYS, INTENTS
from user_service.users.domain import IdempotentCreation, User

FEW = 500
"""The most keys that one step of a purge deletes: some milliseconds."""


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


class IdempotencyKeys:
    """Creations by key. Each method is one step of a transaction."""

    def __init__(self, kept: timedelta) -> None:
        """`kept`: the running time after which a key is forgotten."""
        self._oldest = minutes() - ceil(kept / timedelta(minutes=1))

    def put(self, connection: Connection, key: bytes, user: User) -> None:
        """Let the key name the creation of the user. Raises RowExists where it names another's."""
        same_key = IDEMPOTENCY_KEYS.c.digest == key
        connection.execute(delete(IDEMPOTENCY_KEYS).where(same_key, self._too_old()))
        connection.execute(
            insert(IDEMPOTENCY_KEYS).values(
                digest=key,
                user_id=user.id,
                name=user.name,
                created_at=to_microseconds(user.created_at),
                noted_minute=minutes(),
            )
        )

    def find(self, connection: Connection, key: bytes) -> IdempotentCreation | None:
        """The creation that the key names, unless the key is too old."""
        query = (
            select(IDEMPOTENCY_KEYS, INTENTS.c.fence)
            .join_from(
                IDEMPOTENCY_KEYS,
                INTENTS,
                INTENTS.c.user_id == IDEMPOTENCY_KEYS.c.user_id,
                isouter=True,
            )
            .where(IDEMPOTENCY_KEYS.c.digest == key, ~self._too_old())
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        at = from_microseconds(row.created_at)
        user = User(row.user_id, row.name, version=1, created_at=at, updated_at=at)
        return IdempotentCreation(user, done=row.fence is None)

    def forget(self, connection: Connection, key: bytes, user_id: str) -> None:
        """Let the key name nothing, unless it names another creation by now."""
        ours = (IDEMPOTENCY_KEYS.c.digest == key, IDEMPOTENCY_KEYS.c.user_id == user_id)
        connection.execute(delete(IDEMPOTENCY_KEYS).where(*ours))

    def purge(self, connection: Connection) -> bool:
        """Delete a few keys that are too old; whether there may be more."""
        few = (
            select(IDEMPOTENCY_KEYS.c.digest)
            .where(self._too_old())
            .order_by(IDEMPOTENCY_KEYS.c.noted_minute)
            .limit(FEW)
        )
        too_old = IDEMPOTENCY_KEYS.c.digest.in_(few)
        return connection.execute(delete(IDEMPOTENCY_KEYS).where(too_old)).rowcount == FEW

    def _too_old(self) -> ColumnElement[bool]:
        return IDEMPOTENCY_KEYS.c.noted_minute < self._oldest
