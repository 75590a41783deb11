"""Changes of users, and what is kept of a change while its event is being delivered.

What is kept lapses: a crash leaves it behind, and whoever meets it then clears it. A change is
made only by whoever still holds it, so that one who was paused for longer makes none.
"""

import uuid
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, Delete, Engine, Row, Update, delete, insert, select, update

from user_service import outbox, rows
from user_service.happenings import ChangeUnderWay, Creation, Happening, Kind, User, now
from user_service.holds import Claim, Hold, HoldLost, KeyHold, Lapse
from user_service.tables import CLAIMS, IDEMPOTENCY_KEYS
from user_service.transactions import RowExists, microseconds, moment_of, reading
from user_service.writer import Writer

log = structlog.get_logger()


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
        self._lapse = Lapse(lapse)
        self._keys_kept = keys_kept

    def claim(self, happening: Happening, event: bytes) -> Claim:
        """Keep others from changing the user, who must be at the version before the happening.

        Raises NoSuchUser; ChangeUnderWay where somebody else changes them, or just has.
        """
        user = happening.user
        claim = Claim(user.id, str(uuid.uuid4()))

        def put(connection: Connection) -> None:
            rows.check_version(connection, user)
            self._clear_lapsed_claim(connection, user.id)
            connection.execute(
                insert(CLAIMS).values(
                    user_id=claim.user_id,
                    holder=claim.holder,
                    version=user.version,
                    event=event,
                    lapses_at=self._lapse.moment(),
                )
            )

        self._writer.write(put)
        return claim

    def begin(self, key: str, happening: Happening, event: bytes) -> KeyHold:
        """Keep what the key stands for from now on. Raises ChangeUnderWay where it is taken."""
        hold = KeyHold(key, str(uuid.uuid4()))
        try:
            self._writer.write(partial(self._insert_key, hold, happening, event))
        except RowExists:
            raise ChangeUnderWay from None
        return hold

    def creation(self, key: str) -> Creation | None:
        """What the key stands for, unless it is too old."""
        query = select(IDEMPOTENCY_KEYS).where(
            IDEMPOTENCY_KEYS.c.key == key, IDEMPOTENCY_KEYS.c.created_at >= self._oldest_key()
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _creation(row)

    def hold_again(self, key: str) -> KeyHold:
        """The right to try again. Raises ChangeUnderWay while somebody holds it, or is done."""
        hold = KeyHold(key, str(uuid.uuid4()))
        held = select(IDEMPOTENCY_KEYS).where(IDEMPOTENCY_KEYS.c.key == key).with_for_update()

        def take(connection: Connection) -> None:
            row = connection.execute(held).one_or_none()
            if row is None or row.done or not self._lapse.is_past(row.lapses_at):
                raise ChangeUnderWay
            connection.execute(
                update(IDEMPOTENCY_KEYS)
                .where(IDEMPOTENCY_KEYS.c.key == key)
                .values(holder=hold.holder, lapses_at=self._lapse.moment())
            )

        self._writer.write(take)
        return hold

    def release(self, hold: Hold) -> None:
        """Let go of what is held, the change not made. What a key stands for is kept."""

        def let_go(connection: Connection) -> None:
            if isinstance(hold, Claim):
                connection.execute(_dropping(hold))
            else:
                connection.execute(_updating(hold).values(lapses_at=0))

        self._writer.write(let_go)

    def apply(self, happening: Happening, hold: Hold | None) -> None:
        """Make the change and let go of what is held for it, in one transaction.

        MUST NOT return before it is on disk. Raises HoldLost.
        """

        def make(connection: Connection) -> None:
            if hold is not None:
                _settle(connection, hold)
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
                _settle(connection, hold)
            if key is not None:
                taken = KeyHold(key, str(uuid.uuid4()))
                self._insert_key(taken, happening, event, connection, done=True)
            if happening.kind is not Kind.CREATED:
                rows.check_version(connection, happening.user)
                self._clear_lapsed_claim(connection, happening.user.id)
            rows.change(connection, happening)
            outbox.put(connection, happening, event)

        try:
            self._writer.write(make)
        except RowExists:
            raise ChangeUnderWay from None

    def _insert_key(
        self,
        hold: KeyHold,
        happening: Happening,
        event: bytes,
        connection: Connection,
        *,
        done: bool = False,
    ) -> None:
        oldest = IDEMPOTENCY_KEYS.c.created_at < self._oldest_key()
        connection.execute(delete(IDEMPOTENCY_KEYS).where(oldest))
        connection.execute(
            insert(IDEMPOTENCY_KEYS).values(
                key=hold.key,
                user_id=happening.user.id,
                name=happening.user.name,
                password_hash=happening.password_hash,
                created_at=microseconds(happening.user.created_at),
                event=event,
                holder=hold.holder,
                lapses_at=self._lapse.moment(),
                done=done,
            )
        )

    def _clear_lapsed_claim(self, connection: Connection, user_id: str) -> None:
        claim = connection.execute(select(CLAIMS).where(CLAIMS.c.user_id == user_id)).one_or_none()
        if claim is None:
            return
        if not self._lapse.is_past(claim.lapses_at):
            raise ChangeUnderWay
        connection.execute(delete(CLAIMS).where(CLAIMS.c.user_id == user_id))
        log.warning(
            "cleared a change that was begun and never made; the sink may have its event",
            user_id=user_id,
            version=claim.version,
            event_json=claim.event.decode(),
        )

    def _oldest_key(self) -> int:
        return microseconds(now() - self._keys_kept)


def _settle(connection: Connection, hold: Hold) -> None:
    if isinstance(hold, Claim):
        # The user's row first, as in `claim`: in two orders the two could wait for each other.
        connection.execute(rows.locked_version(hold.user_id))
        settled = connection.execute(_dropping(hold))
    else:
        settled = connection.execute(_updating(hold).values(done=True))
    if settled.rowcount != 1:
        raise HoldLost


def _dropping(claim: Claim) -> Delete:
    return delete(CLAIMS).where(CLAIMS.c.user_id == claim.user_id, CLAIMS.c.holder == claim.holder)


def _updating(hold: KeyHold) -> Update:
    return update(IDEMPOTENCY_KEYS).where(
        IDEMPOTENCY_KEYS.c.key == hold.key, IDEMPOTENCY_KEYS.c.holder == hold.holder
    )


def _creation(row: Row[tuple[object, ...]]) -> Creation:
    at = moment_of(row.created_at)
    user = User(row.user_id, row.name, version=1, created_at=at, updated_at=at)
    happening = Happening(Kind.CREATED, user, at, row.password_hash)
    return Creation(row.key, happening, row.event, row.done)
