"""Changes of users: begun before their event is sent, or made together with it.

A change that is begun is an intent until it is settled: made, or dropped. It MUST NOT be made
unless its claim still holds: a process that was paused while another settled it makes none.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from service_kit import disk_reserve
from service_kit.disk_reserve import HasRoom
from user_service.store import intents, outbox
from user_service.store.idempotency_keys import IdempotencyKeys, digest
from user_service.store.intents import Claim, ClaimLost, Intent
from user_service.store.transactions import (
    DiskFull,
    RowExists,
    StoreUnavailable,
    reading,
    writing,
)
from user_service.store.unsettled_intents import UnsettledIntents
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
        keys_kept: timedelta,
        outbox_max: int,
        has_room: HasRoom = disk_reserve.always,
    ) -> None:
        """`keys_kept`: the running time after which an idempotency key is forgotten;
        `outbox_max`: the most events that may wait in the outbox; `has_room` is asked before
        a change is begun.
        """
        self._engine = engine
        # Claims of changes that were begun here, and will be written once more.
        self._begun: set[Claim] = set()
        self._writer = Writer(engine, siblings=lambda: len(self._begun))
        self._outbox_max = outbox_max
        self._has_room = has_room
        self._unsettled = UnsettledIntents(engine)
        self._keys = IdempotencyKeys(keys_kept)

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        with reading(self._engine) as connection:
            return find_user(connection, user_id)

    def creation(self, key: str) -> IdempotentCreation | None:
        """The creation that the key names, unless the key is too old."""
        with reading(self._engine) as connection:
            return self._keys.find(connection, digest(key))

    def begin(self, change: UserChange, event: bytes, key: str | None = None) -> Claim:
        """Put down the intent of making the change, before a byte of its event is sent.

        An existing user MUST be at the version before the change. MUST NOT return before it is on
        disk. Raises UserNotFound; DiskFull; ConcurrentChange where another change of the user, or
        with the key, is in progress; StoreUnavailable, and drops it where that is possible.
        """
        self._check_disk()
        intent = Intent(change, event, None if key is None else digest(key))
        claim = Claim.to_begin(change.user.id)

        def put(connection: Connection) -> None:
            if change.kind is not ChangeKind.CREATED:
                check_version(connection, change.user)
            if intent.key is not None:
                self._keys.put(connection, intent.key, change.user)
            intents.put(connection, intent, claim)

        try:
            self._writer.write(put)
        except RowExists:
            raise ConcurrentChange from None
        except StoreUnavailable:
            # It may be on disk all the same, where the commit failed.
            with suppress(StoreUnavailable):
                self.drop(claim)
            raise
        self._begun.add(claim)
        return claim

    def apply(self, change: UserChange, claim: Claim) -> None:
        """Make the change and settle its intent, in one transaction.

        MUST NOT return before it is on disk. Raises ClaimLost.
        """

        def make(connection: Connection) -> None:
            # The user's row before the intent's, as in `begin`: in two orders the two could wait
            # for each other.
            if not apply_change(connection, change) or not intents.settle(connection, claim):
                raise ClaimLost

        self._begun.discard(claim)
        try:
            self._writer.write(make)
        except RowExists:
            raise ClaimLost from None

    def drop(self, claim: Claim) -> bool:
        """Settle the intent with nothing made, and its idempotency key names nothing any more.

        MUST NOT return before it is on disk. Returns whether the claim still held.
        """

        def drop(connection: Connection) -> None:
            found = intents.find(connection, claim.user_id)
            if not intents.settle(connection, claim):
                raise ClaimLost
            if found is not None and found[0].key is not None:
                self._keys.forget(connection, found[0].key, claim.user_id)

        return self._held(claim, drop)

    def release(self, claim: Claim) -> bool:
        """Leave the intent to whoever takes it over; whether the claim still held."""

        def release(connection: Connection) -> None:
            if not intents.release(connection, claim):
                raise ClaimLost

        return self._held(claim, release)

    def reclaim(self, user_id: str) -> tuple[Intent, Claim]:
        """Take a creation's intent over that was released. Raises DiskFull, ConcurrentChange."""
        self._check_disk()
        return self._unsettled.reclaim(user_id)

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
                self._keys.put(connection, digest(key), change.user)
            if change.kind is not ChangeKind.CREATED:
                check_version(connection, change.user)
                intents.check_none(connection, change.user.id)
            apply_change(connection, change)
            outbox.put(connection, change, event)

        try:
            self._writer.write(make)
        except RowExists:
            raise ConcurrentChange from None

    def purge_keys(self) -> bool:
        """Delete a few idempotency keys that are too old; whether there may be more."""
        with writing(self._engine) as connection:
            return self._keys.purge(connection)

    def _held(self, claim: Claim, work: Callable[[Connection], None]) -> bool:
        """Do the work, the last with the claim; whether it was not ClaimLost that it raised."""
        self._begun.discard(claim)
        try:
            self._writer.write(work)
        except ClaimLost:
            return False
        return True

    def _check_disk(self) -> None:
        """Raises DiskFull. MUST be asked before an event is sent; what was begun is ended."""
        if not self._has_room(CHANGE_BYTES):
            raise DiskFull
