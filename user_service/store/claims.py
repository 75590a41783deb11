"""Claims: the exclusive right to make one change, committed before its event is sent."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

import structlog
from sqlalchemy import Connection, delete, insert, select

from service_kit.clock import from_microseconds, now, to_microseconds
from user_service.store.tables import CLAIMS
from user_service.store.users import check_version, lock_user
from user_service.users.domain import ChangeKind, ConcurrentChange, UserChange

log = structlog.get_logger()


class ClaimLost(Exception):
    """The claim has expired and was cleared, or the user is at another version; nothing changed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one `holder` to make a change, until it expires.

    `user_id`: the user that is changed or created. `key`: the idempotency key that names a
    creation. A creation without one needs no row, since no other request can name the same user.
    """

    user_id: str
    holder: str
    creates: bool
    key: str | None = None

    @classmethod
    def to_make(cls, change: UserChange, key: str | None = None) -> Self:
        """A new claim, with a holder of its own."""
        return cls(change.user.id, str(uuid.uuid4()), change.kind is ChangeKind.CREATED, key)


@dataclass(frozen=True, slots=True)
class Expiry:
    """Expiry of claims: `after` MUST be longer than a delivery can take."""

    after: timedelta
    clock: Callable[[], datetime] = now

    def moment(self) -> int:
        """The moment at which a claim of now expires, in microseconds since 1970, UTC."""
        return to_microseconds(self.clock() + self.after)

    def is_past(self, expires_at: int) -> bool:
        """Whether a claim has expired.

        One that expires later than in twice the time was made before the clock was set back;
        twice, since the clock of another machine can be ahead of this one by a little.
        """
        at = self.clock()
        return not at < from_microseconds(expires_at) <= at + 2 * self.after


class ClaimTable(Protocol):
    """Claims of one kind as rows. Each method is one step of a transaction."""

    def put(self, connection: Connection, claim: Claim, change: UserChange, event: bytes) -> None:
        """Insert the claim. Raises ConcurrentChange, RowExists."""
        ...

    def settle(self, connection: Connection, claim: Claim) -> bool:
        """End the claim, since the change is made; whether it was still there."""
        ...

    def release(self, connection: Connection, claim: Claim) -> None:
        """End the claim, the change not made: the next one need not wait for its expiry."""
        ...


class UserClaims:
    """Claims of existing users, one at a time of each, with the event that is being delivered."""

    def __init__(self, expiry: Expiry) -> None:
        self._expiry = expiry

    def put(self, connection: Connection, claim: Claim, change: UserChange, event: bytes) -> None:
        """Claim the user, who MUST be at the version before the change.

        Raises UserNotFound; ConcurrentChange where there is another claim, or one was just settled.
        """
        check_version(connection, change.user)
        self.clear_expired(connection, claim.user_id)
        connection.execute(
            insert(CLAIMS).values(
                user_id=claim.user_id,
                holder=claim.holder,
                version=change.user.version,
                event=event,
                lapses_at=self._expiry.moment(),
            )
        )

    def clear_expired(self, connection: Connection, user_id: str) -> None:
        """Delete the user's claim, if any, and log it with its event.

        Raises ConcurrentChange unless it has expired.
        """
        claim = connection.execute(select(CLAIMS).where(CLAIMS.c.user_id == user_id)).one_or_none()
        if claim is None:
            return
        if not self._expiry.is_past(claim.lapses_at):
            raise ConcurrentChange
        connection.execute(delete(CLAIMS).where(CLAIMS.c.user_id == user_id))
        log.warning(
            "cleared a change that was begun and never made; the sink may have its event",
            user_id=user_id,
            version=claim.version,
            event_json=claim.event.decode(),
        )

    def settle(self, connection: Connection, claim: Claim) -> bool:
        """Delete the claim; whether it was still there."""
        # The user's row first, as in `put`: in two orders the two could wait for each other.
        lock_user(connection, claim.user_id)
        return self._delete(connection, claim)

    def release(self, connection: Connection, claim: Claim) -> None:
        """Delete the claim."""
        self._delete(connection, claim)

    def _delete(self, connection: Connection, claim: Claim) -> bool:
        mine = (CLAIMS.c.user_id == claim.user_id, CLAIMS.c.holder == claim.holder)
        return connection.execute(delete(CLAIMS).where(*mine)).rowcount == 1
