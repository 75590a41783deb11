"""Connections to the users' database, SQLite or PostgreSQL."""

import sqlite3
import time
from contextlib import closing
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from service_kit import database_url, postgres, sqlite_file
from service_kit.database_url import PostgresDatabase, SqliteFile
from service_kit.postgres import Session
from user_service.settings import Settings
from user_service.store.transactions import BUSY_SECONDS

_STATEMENT_SECONDS = 10
_RETRY_MILLISECONDS = 20


def open_engine(
    settings: Settings,
    *,
    threads: int,
    idle_seconds: float = 30,
    lock_seconds: float = BUSY_SECONDS,
) -> Engine:
    """An engine on the database that the settings name; otherwise as `connect`."""
    return connect(
        settings.database_url,
        threads=threads,
        password=settings.database_password.get_secret_value(),
        idle_seconds=idle_seconds,
        lock_seconds=lock_seconds,
    )


def connect(
    url: str,
    *,
    threads: int,
    password: str = "",
    idle_seconds: float = 30,
    lock_seconds: float = BUSY_SECONDS,
) -> Engine:
    """An engine with a connection for each thread; nothing is connected yet.

    `password`: for a URL that has none. `idle_seconds`: after which PostgreSQL ends a
    transaction that does nothing, and lets go of its locks. `lock_seconds`: the longest wait for
    a lock. A SQLite file is made where there is none. Raises ValueError, OSError.
    """
    database = database_url.parse(url, password)
    if isinstance(database, SqliteFile):
        return _connect_sqlite(database.path, threads, lock_seconds)
    session = Session(lock_seconds, _STATEMENT_SECONDS, idle_seconds)
    return _connect_postgres(database, threads, session)


def _connect_postgres(database: PostgresDatabase, threads: int, session: Session) -> Engine:
    def set_in_transaction(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if driver.is_pooled:
            driver.execute(f"SELECT {session.set_in_transaction()}")

    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: postgres.connect(database, session, autocommit=False),
        isolation_level="READ COMMITTED",
        pool_size=threads,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "begin", set_in_transaction)
    return engine


def _connect_sqlite(file: str, threads: int, lock_seconds: float) -> Engine:
    sqlite_file.make(file)
    # `mode=rw`: a file that is gone is not made anew, empty and open to others.
    place = f"file:{'//' if file.startswith('/') else ''}{quote(file)}?mode=rw"
    engine = create_engine(
        URL.create("sqlite", database=file),
        creator=lambda: sqlite3.connect(
            place, uri=True, timeout=lock_seconds, check_same_thread=False
        ),
        pool_size=threads,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", partial(_begin_sqlite, lock_seconds))
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver is not to begin transactions by itself; see _begin_sqlite.
    connection.isolation_level = None
    with closing(connection.cursor()) as cursor:
        # A rollback journal, since the WAL of some systems' SQLite can be corrupted; FULL, so
        # that a commit is on disk when it returns.
        cursor.execute("PRAGMA journal_mode = TRUNCATE")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(lock_seconds: float, connection: Connection) -> None:
    """Begin with the write lock, unless the connection is for reading: of two transactions that
    read first and write later, SQLite refuses one.

    The driver's own connection: through SQLAlchemy these statements cost a tenth of a request.
    """
    driver: Any = connection.connection.driver_connection
    if connection.get_execution_options().get("reading", False):
        driver.execute("BEGIN")
        return
    # SQLite lets a connection that waits for the lock sleep ever longer, 100 ms in the end, while
    # others go first: of many writers one may wait for seconds. A wait that begins anew again and
    # again is short for each of them.
    deadline = time.monotonic() + lock_seconds
    driver.execute(f"PRAGMA busy_timeout = {_RETRY_MILLISECONDS}")
    try:
        while _is_busy(driver) and time.monotonic() < deadline:
            pass
        if not driver.in_transaction:
            # Once more through SQLAlchemy, so that it fails as all statements do.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(lock_seconds * 1000)}")


def _is_busy(driver: sqlite3.Connection) -> bool:
    """Begin; whether another transaction keeps this one from it for now."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return False
