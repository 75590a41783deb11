"""Users in a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, Row, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from user_service.tables import USERS
from user_service.users import Happening, User

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class StoreUnavailable(Exception):
    """The database cannot be used now."""


class UserStore:
    """Users in the database of an engine. Safe for any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        query = select(USERS).where(USERS.c.id == user_id)
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _user(row)

    def apply(self, happening: Happening) -> None:
        """Make the change. MUST NOT return before it is on disk."""
        user = happening.user
        with self._writing() as connection:
            connection.execute(
                insert(USERS).values(
                    id=user.id,
                    name=user.name,
                    password_hash=happening.password_hash,
                    version=user.version,
                    created_at=_microseconds(user.created_at),
                    updated_at=_microseconds(user.updated_at),
                )
            )

    def ping(self) -> None:
        """Return if the users can be read: a query of no table would not touch the database."""
        with self._reading() as connection:
            connection.execute(select(USERS.c.id).limit(1)).first()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with (
            _translated(),
            self._engine.connect() as connection,
            connection.execution_options(reading=True).begin(),
        ):
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    """The one place where the database's errors become the store's.

    The message is the error's name alone: the rest of it can hold SQL and values.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreUnavailable(type(cause).__name__) from error


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(
        id=row.id,
        name=row.name,
        version=row.version,
        created_at=_moment(row.created_at),
        updated_at=_moment(row.updated_at),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
