"""Changes of users, and what is kept of a change while its event is being delivered.

What is kept lapses: a crash leaves it behind, and whoever meets it then clears it. A change is
made only by whoever still holds it, so that one who was paused for longer makes none.
"""

import uuid
from datetime import timedelta

from sqlalchemy import Connection, Engine

from user_service.store import outbox, rows
from user_service.store.claims import Claims
from user_service.store.holds import Claim, Hold, HoldLost, KeyHold, Lapse
from user_service.store.idempotency_keys import IdempotencyKeys
from user_service.store.transactions import RowExists, reading
from user_service.store.writer import Writer
from user_service.users.domain import ChangeUnderWay, Creation, Happening, Kind


class ChangeStore:
    """Makes changes. Safe for any number of threads and processes."""

    def __init__(
        self, engine: Engine, *, lapse: timedelta, keys_kept: timedelta, outbox_max: int
    ) -> None:
        """`lapse`: longer than a delivery can take; `keys_kept`: how long keys are known;
        `outbox_max`: how many events may wait to be delivered.
        """
        self._engine = engine
        self._writer = Writer(engine)
        self._outbox_max = outbox_max
        self._claims = Claims(Lapse(lapse))
        self._keys = IdempotencyKeys(Lapse(lapse), kept=keys_kept)

    def claim(self, happening: Happening, event: bytes) -> Claim:
        """Keep others from changing the user, who must be at the version before the happening.

        Raises NoSuchUser; ChangeUnderWay where somebody else changes them, or just has.
        """
        user = happening.user
        claim = Claim(user.id, str(uuid.uuid4()))

        def put(connection: Connection) -> None:
            rows.check_version(connection, user)
            self._claims.clear_lapsed(connection, user.id)
            self._claims.put(connection, claim, user.version, event)

        self._writer.write(put)
        return claim

    def begin(self, key: str, happening: Happening, event: bytes) -> KeyHold:
        """Keep what the key stands for from now on. Raises ChangeUnderWay where it is taken."""
        hold = KeyHold(key, str(uuid.uuid4()))
        try:
            self._writer.write(
                lambda connection: self._keys.put(connection, hold, happening, event)
            )
        except RowExists:
            raise ChangeUnderWay from None
        return hold

    def creation(self, key: str) -> Creation | None:
        """What the key stands for, unless it is too old."""
        with reading(self._engine) as connection:
            return self._keys.find(connection, key)

    def hold_again(self, key: str) -> KeyHold:
        """The right to try again. Raises ChangeUnderWay while somebody holds it, or is done."""
        hold = KeyHold(key, str(uuid.uuid4()))
        self._writer.write(lambda connection: self._keys.take_over(connection, hold))
        return hold

    def release(self, hold: Hold) -> None:
        """Let go of what is held, the change not made. What a key stands for is kept."""

        def let_go(connection: Connection) -> None:
            if isinstance(hold, Claim):
                self._claims.drop(connection, hold)
            else:
                self._keys.release(connection, hold)

        self._writer.write(let_go)

    def apply(self, happening: Happening, hold: Hold | None) -> None:
        """Make the change and let go of what is held for it, in one transaction.

        MUST NOT return before it is on disk. Raises HoldLost.
        """

        def make(connection: Connection) -> None:
            if hold is not None:
                self._settle(connection, hold)
            rows.change(connection, happening)

        self._writer.write(make)

    def apply_with_event(
        self,
        happening: Happening,
        event: bytes,
        *,
        key: str | None = None,
        hold: KeyHold | None = None,
    ) -> None:
        """Make the change and let its event wait in the outbox, in one transaction.

        `key`: the idempotency key that stands for it from now on; `hold`: what is held of one
        that did before.
        MUST NOT return before both are on disk.
        Raises NoSuchUser, ChangeUnderWay, HoldLost, OutboxFull.
        """

        def make(connection: Connection) -> None:
            outbox.check_room(connection, self._outbox_max)
            if hold is not None:
                self._settle(connection, hold)
            if key is not None:
                taken = KeyHold(key, str(uuid.uuid4()))
                self._keys.put(connection, taken, happening, event, done=True)
            if happening.kind is not Kind.CREATED:
                rows.check_version(connection, happening.user)
                self._claims.clear_lapsed(connection, happening.user.id)
            rows.change(connection, happening)
            outbox.put(connection, happening, event)

        try:
            self._writer.write(make)
        except RowExists:
            raise ChangeUnderWay from None

    def _settle(self, connection: Connection, hold: Hold) -> None:
        if isinstance(hold, Claim):
            # The user's row first, as in `claim`: in two orders the two could wait for each other.
            connection.execute(rows.locked_version(hold.user_id))
            held = self._claims.drop(connection, hold)
        else:
            held = self._keys.finish(connection, hold)
        if not held:
            raise HoldLost
