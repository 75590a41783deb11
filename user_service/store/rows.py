"""A user's row, as a change leaves it: what is done within a transaction, whoever's it is."""

from sqlalchemy import Connection, Select, delete, insert, select, update

from user_service.store.holds import HoldLost
from user_service.store.tables import USERS
from user_service.store.transactions import microseconds
from user_service.users.domain import ChangeUnderWay, Happening, Kind, NoSuchUser, User


def locked_version(user_id: str) -> Select[int]:
    """The query of a user's version that keeps others from changing them."""
    return select(USERS.c.version).where(USERS.c.id == user_id).with_for_update()


def check_version(connection: Connection, user: User) -> None:
    """Lock the user, who must be at the version before `user`'s.

    Raises NoSuchUser, ChangeUnderWay.
    """
    version = connection.execute(locked_version(user.id)).scalar_one_or_none()
    if version is None:
        raise NoSuchUser(user.id)
    if version != user.version - 1:
        raise ChangeUnderWay


def change(connection: Connection, happening: Happening) -> None:
    """Make the change. Raises HoldLost where the user is at another version than before it."""
    user = happening.user
    values: dict[str, object] = {
        "name": user.name,
        "version": user.version,
        "updated_at": microseconds(user.updated_at),
    }
    if happening.password_hash is not None:
        values["password_hash"] = happening.password_hash
    if happening.kind is Kind.CREATED:
        values |= {"id": user.id, "created_at": microseconds(user.created_at)}
        connection.execute(insert(USERS), values)
        return
    before = (USERS.c.id == user.id, USERS.c.version == user.version - 1)
    if happening.kind is Kind.DELETED:
        changed = connection.execute(delete(USERS).where(*before))
    else:
        changed = connection.execute(update(USERS).where(*before).values(values))
    if changed.rowcount != 1:
        raise HoldLost
