"""Changes of users: claimed before their event is sent, or made together with it.

A claim that a crash leaves behind expires, and the next change of that user deletes it. A change
MUST NOT be made unless its claim is still there: a process that was paused for longer than the
claim lasts makes none.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from service_kit.clock import now
from user_service.store import outbox
from user_service.store.claims import Claim, ClaimLost, ClaimTable, Expiry, UserClaims
from user_service.store.idempotency_keys import IdempotencyKeys
from user_service.store.transactions import DiskFull, RowExists, reading
from user_service.store.users import apply_change, check_version, find_user
from user_service.store.writer import Writer
from user_service.users.domain import (
    ChangeKind,
    ConcurrentChange,
    IdempotentCreation,
    User,
    UserChange,
)

CHANGE_BYTES: Final = 16 * 1024
"""About what a change and its event take on the disk, the journal included."""


class ChangeStore:
    """Changes of users, and the users as changes find them. Safe for any number of threads and
    processes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        expiry: timedelta,
        keys_kept: timedelta,
        outbox_max: int,
        has_room: Callable[[int], bool] | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`expiry`: MUST be longer than a delivery can take; `keys_kept`: the age at which an
        idempotency key is forgotten; `outbox_max`: the most events that may wait in the outbox.
        `has_room`: whether so many bytes may be written; where it is None they always may.
        """
        self._engine = engine
        self._writer = Writer(engine)
        self._outbox_max = outbox_max
        self._has_room = has_room
        self._users = UserClaims(Expiry(expiry, clock))
        self._keys = IdempotencyKeys(Expiry(expiry, clock), kept=keys_kept)

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        with reading(self._engine) as connection:
            return find_user(connection, user_id)

    def creation(self, key: str) -> IdempotentCreation | None:
        """The creation that the key names, unless the key is too old."""
        with reading(self._engine) as connection:
            return self._keys.find(connection, key)

    def begin(self, change: UserChange, event: bytes, key: str | None = None) -> Claim:
        """Claim the right to make the change, before its event is sent.

        An existing user MUST be at the version before the change. Raises UserNotFound; DiskFull;
        ConcurrentChange where another change of the user, or with the key, is in progress.
        """
        self._check_disk()
        claim = Claim.to_make(change, key)
        table = self._table_of(claim)
        if table is not None:
            try:
                self._writer.write(lambda connection: table.put(connection, claim, change, event))
            except RowExists:
                raise ConcurrentChange from None
        return claim

    def reclaim(self, creation: IdempotentCreation) -> Claim:
        """Claim a creation that was begun before.

        Raises DiskFull; ConcurrentChange unless the claim on it has expired.
        """
        self._check_disk()
        claim = Claim.to_make(creation.change, creation.key)
        self._writer.write(lambda connection: self._keys.take_over(connection, claim))
        return claim

    def release(self, claim: Claim) -> None:
        """Give the claim up, the change not made. An idempotency key still names its creation."""
        table = self._table_of(claim)
        if table is not None:
            self._writer.write(lambda connection: table.release(connection, claim))

    def apply(self, change: UserChange, claim: Claim) -> None:
        """Make the change and settle its claim, in one transaction.

        MUST NOT return before it is on disk. Raises ClaimLost.
        """
        self._writer.write(lambda connection: self._make(connection, change, claim))

    def apply_with_event(self, change: UserChange, event: bytes, *, key: str | None = None) -> None:
        """Make the change and put its event in the outbox, in one transaction.

        `key`: the idempotency key that names it from now on.
        MUST NOT return before both are on disk.
        Raises UserNotFound, ConcurrentChange, OutboxFull, DiskFull.
        """
        self._check_disk()

        def make(connection: Connection) -> None:
            outbox.check_room(connection, self._outbox_max)
            if key is not None:
                self._keys.put(connection, Claim.to_make(change, key), change, event, done=True)
            if change.kind is not ChangeKind.CREATED:
                check_version(connection, change.user)
                self._users.clear_expired(connection, change.user.id)
            apply_change(connection, change)
            outbox.put(connection, change, event)

        try:
            self._writer.write(make)
        except RowExists:
            raise ConcurrentChange from None

    def apply_claimed_with_event(self, creation: IdempotentCreation, claim: Claim) -> None:
        """The same for a creation that was begun in direct delivery.

        Raises ClaimLost, OutboxFull.
        """

        def make(connection: Connection) -> None:
            outbox.check_room(connection, self._outbox_max)
            self._make(connection, creation.change, claim)
            outbox.put(connection, creation.change, creation.event)

        self._writer.write(make)

    def _check_disk(self) -> None:
        """Raises DiskFull. MUST be asked before an event is sent; what was begun is ended."""
        if self._has_room is not None and not self._has_room(CHANGE_BYTES):
            raise DiskFull

    def _make(self, connection: Connection, change: UserChange, claim: Claim) -> None:
        table = self._table_of(claim)
        if table is not None and not table.settle(connection, claim):
            raise ClaimLost
        if not apply_change(connection, change):
            raise ClaimLost

    def _table_of(self, claim: Claim) -> ClaimTable | None:
        """The table of such claims; None for a creation without a key, which needs no row."""
        if claim.key is not None:
            return self._keys
        return None if claim.creates else self._users
