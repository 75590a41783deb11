"""Transactions, and the one place where the database's errors become the store's."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

BUSY_SECONDS = 5
"""The longest wait for a lock, a connection, or a turn to write."""


class StoreUnavailable(Exception):
    """The database cannot be used now."""


class DiskFull(StoreUnavailable):
    """The disk is full up to its reserve; nothing was written."""


class RowExists(StoreUnavailable):
    """A row of that key is there already; nothing was written."""


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is on disk when the block has ended.

    Raises StoreUnavailable; RowExists, where that is why.
    """
    with store_errors(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes nothing. Raises StoreUnavailable."""
    with (
        store_errors(),
        engine.connect() as connection,
        connection.execution_options(reading=True).begin(),
    ):
        yield connection


@contextmanager
def store_errors() -> Iterator[None]:
    """Raise the database's errors as StoreUnavailable or RowExists.

    The message is the error's name alone: the rest of it can contain SQL and values.
    """
    try:
        yield
    except IntegrityError as error:
        raise RowExists(type(error.orig).__name__) from error
    except (DBAPIError, PoolTimeout) as error:
        cause = getattr(error, "orig", None) or error
        # By its name SQLite distinguishes a full disk from a lock; the driver's class is the same.
        name = getattr(cause, "sqlite_errorname", None) or type(cause).__name__
        raise StoreUnavailable(name) from error
