"""Users in the database: pages of them, one by id, one change within a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    delete,
    false,
    func,
    insert,
    select,
    tuple_,
    update,
)

from service_kit import sqlite_file
from service_kit.clock import from_microseconds, to_microseconds
from user_service.store.tables import USERS
from user_service.store.transactions import StoreUnavailable, reading
from user_service.users.domain import (
    ChangeKind,
    ConcurrentChange,
    User,
    UserChange,
    UserNotFound,
)

LAST_CODE_POINT = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


# Made once: to make a statement costs more than to run it.
_CREATE = insert(USERS)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of users in the order of their creation; `more`: whether others follow."""

    users: Sequence[User]
    more: bool


class UserReader:
    """Reads pages of users. Safe for any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, after: User | tuple[int, str] | None, limit: int, prefix: str = "") -> Page:
        """At most `limit` users after the sort key `after` (created at, id), or after that user.

        The order is that of creation, and no change of a user alters it: a user who exists from
        the first page to the last is in exactly one of them.
        """
        query = _with_prefix(select(USERS), prefix)
        if after is not None:
            key = sort_key(after) if isinstance(after, User) else after
            query = query.where(tuple_(USERS.c.created_at, USERS.c.id) > tuple_(*key))
        query = query.order_by(USERS.c.created_at, USERS.c.id).limit(limit + 1)
        with reading(self._engine) as connection:
            users = [user_of(row) for row in connection.execute(query)]
        return Page(users[:limit], more=len(users) > limit)

    def ping(self) -> None:
        """Return if users can be read and changed: a query of no table would prove nothing.

        Raises StoreUnavailable, which says so where the database is read-only.
        """
        with reading(self._engine) as connection:
            connection.execute(select(USERS.c.id).limit(1)).first()
            if is_read_only(connection):
                raise StoreUnavailable("ReadOnlyDatabase")


def is_read_only(connection: Connection) -> bool:
    """Whether the database takes no changes: a standby of PostgreSQL, a SQLite file on a disk
    that has become read-only.
    """
    if connection.dialect.name == "sqlite":
        return sqlite_file.is_read_only(connection.engine.url.database or "")
    setting = connection.execute(select(func.current_setting("transaction_read_only")))
    return bool(setting.scalar_one() == "on")


def sort_key(user: User) -> tuple[int, str]:
    """The place of a user in the order of creation."""
    return to_microseconds(user.created_at), user.id


def find_user(connection: Connection, user_id: str) -> User | None:
    """The user of that id."""
    row = connection.execute(select(USERS).where(USERS.c.id == user_id)).one_or_none()
    return None if row is None else user_of(row)


def lock_user(connection: Connection, user_id: str) -> int | None:
    """Lock the user until the transaction ends; their version, None where there is no user."""
    query = select(USERS.c.version).where(USERS.c.id == user_id).with_for_update()
    version: int | None = connection.execute(query).scalar_one_or_none()
    return version


def check_version(connection: Connection, user: User) -> None:
    """Lock the user, who MUST be at the version before `user`'s.

    Raises UserNotFound, ConcurrentChange.
    """
    version = lock_user(connection, user.id)
    if version is None:
        raise UserNotFound(user.id)
    if version != user.version - 1:
        raise ConcurrentChange


def apply_change(connection: Connection, change: UserChange) -> bool:
    """Make the change; False where the user is at another version than before it."""
    user = change.user
    values: dict[str, object] = {
        "name": user.name,
        "version": user.version,
        "updated_at": to_microseconds(user.updated_at),
    }
    if change.password_hash is not None:
        values["password_hash"] = change.password_hash
    if change.kind is ChangeKind.CREATED:
        values |= {"id": user.id, "created_at": to_microseconds(user.created_at)}
        connection.execute(_CREATE, values)
        return True
    before = (USERS.c.id == user.id, USERS.c.version == user.version - 1)
    if change.kind is ChangeKind.DELETED:
        return connection.execute(delete(USERS).where(*before)).rowcount == 1
    return connection.execute(update(USERS).where(*before).values(values)).rowcount == 1


def user_of(row: Row[tuple[object, ...]]) -> User:
    """The user of a row."""
    return User(
        id=row.id,
        name=row.name,
        version=row.version,
        created_at=from_microseconds(row.created_at),
        updated_at=from_microseconds(row.updated_at),
    )


def _with_prefix(query: Select[tuple[object, ...]], prefix: str) -> Select[tuple[object, ...]]:
    """By a range rather than LIKE: an index serves it, and % and _ are ordinary characters."""
    if not prefix:
        return query
    if "\0" in prefix:
        # No name has it, and PostgreSQL refuses a query with it.
        return query.where(false())
    query = query.where(USERS.c.name >= prefix)
    following = _following(prefix)
    return query if following is None else query.where(USERS.c.name < following)


def _following(prefix: str) -> str | None:
    """The first text after all that begin with the prefix; None where there is none."""
    kept = prefix.rstrip(chr(LAST_CODE_POINT))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    if following in SURROGATES:
        following = SURROGATES.stop
    return kept[:-1] + chr(following)
