"""Idempotency keys: what each stands for, within a transaction, whoever's it is."""

from datetime import timedelta

from sqlalchemy import Connection, Row, Update, delete, insert, select, update

from user_service.store.holds import KeyHold, Lapse
from user_service.store.tables import IDEMPOTENCY_KEYS
from user_service.store.transactions import microseconds, moment_of
from user_service.users.domain import ChangeUnderWay, Creation, Happening, Kind, User, now


class IdempotencyKeys:
    """Each with the creation that it stands for, and who is trying to make it."""

    def __init__(self, lapse: Lapse, *, kept: timedelta) -> None:
        """`kept`: for how long a key is known."""
        self._lapse = lapse
        self._kept = kept

    def put(
        self,
        connection: Connection,
        hold: KeyHold,
        happening: Happening,
        event: bytes,
        *,
        done: bool = False,
    ) -> None:
        """Let the key stand for the happening, and forget those that are too old.

        The table's own rule is broken where it stands for something already.
        """
        oldest = IDEMPOTENCY_KEYS.c.created_at < self._oldest()
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

    def find(self, connection: Connection, key: str) -> Creation | None:
        """What the key stands for, unless it is too old."""
        query = select(IDEMPOTENCY_KEYS).where(
            IDEMPOTENCY_KEYS.c.key == key, IDEMPOTENCY_KEYS.c.created_at >= self._oldest()
        )
        row = connection.execute(query).one_or_none()
        return None if row is None else _creation(row)

    def take_over(self, connection: Connection, hold: KeyHold) -> None:
        """Hold a key that nobody holds any more, and that is not done. Raises ChangeUnderWay."""
        this = IDEMPOTENCY_KEYS.c.key == hold.key
        held = select(IDEMPOTENCY_KEYS).where(this).with_for_update()
        row = connection.execute(held).one_or_none()
        if row is None or row.done or not self._lapse.is_past(row.lapses_at):
            raise ChangeUnderWay
        taken = {"holder": hold.holder, "lapses_at": self._lapse.moment()}
        connection.execute(update(IDEMPOTENCY_KEYS).where(this).values(taken))

    def release(self, connection: Connection, hold: KeyHold) -> None:
        """Let others try at once what the key stands for."""
        connection.execute(_of(hold).values(lapses_at=0))

    def finish(self, connection: Connection, hold: KeyHold) -> bool:
        """What the key stands for is made; whether it was still held."""
        return connection.execute(_of(hold).values(done=True)).rowcount == 1

    def _oldest(self) -> int:
        return microseconds(now() - self._kept)


def _of(hold: KeyHold) -> Update:
    """An update of the key, while it is held so."""
    return update(IDEMPOTENCY_KEYS).where(
        IDEMPOTENCY_KEYS.c.key == hold.key, IDEMPOTENCY_KEYS.c.holder == hold.holder
    )


def _creation(row: Row[tuple[object, ...]]) -> Creation:
    at = moment_of(row.created_at)
    user = User(row.user_id, row.name, version=1, created_at=at, updated_at=at)
    happening = Happening(Kind.CREATED, user, at, row.password_hash)
    return Creation(row.key, happening, row.event, row.done)
