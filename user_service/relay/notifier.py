"""Notifier: PostgreSQL's notifications of new events wake the dispatcher. SQLite has none.

A notification only shortens the poll: whatever is missed while the connection is broken is found
by polling.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service_kit import postgres
from user_service.store.outbox import CHANNEL

RETRY_SECONDS = 1.0

log = structlog.get_logger()


@contextmanager
def listening(engine: Engine, wake: Callable[[], None]) -> Iterator[None]:
    """Call `wake`, in a thread of its own, for each notification until the end of the block."""
    stop = threading.Event()
    if engine.dialect.name == "postgresql":
        arguments = (engine, wake, stop)
        threading.Thread(target=_listen_on, args=arguments, name="listening", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _listen_on(engine: Engine, wake: Callable[[], None], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            _listen(engine, wake, stop)
        except (SQLAlchemyError, psycopg.Error) as error:
            log.warning("cannot listen for new events", reason=type(error).__name__)
            stop.wait(RETRY_SECONDS)


def _listen(engine: Engine, wake: Callable[[], None], stop: threading.Event) -> None:
    raw = engine.raw_connection()
    try:
        connection = raw.driver_connection
        if not isinstance(connection, postgres.Connection):
            raise TypeError("not a connection to PostgreSQL")
        if connection.is_pooled:
            log.info("a pooler is before the database: the outbox is polled, not listened to")
            stop.wait()
            return
        connection.autocommit = True
        connection.execute(f"LISTEN {CHANNEL}")
        while not stop.is_set():
            for _ in connection.notifies(timeout=RETRY_SECONDS, stop_after=1):
                wake()
    finally:
        # Not back to the pool: it listens.
        with suppress(SQLAlchemyError, psycopg.Error):
            raw.invalidate()
