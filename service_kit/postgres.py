"""Sessions of PostgreSQL: durable commits, and no wait without an end, behind a pooler too.

A pooler such as pgbouncer drops what a client asks for at its start, and hands the server's
session to another client after each transaction. So a session is inspected when it is made, and
what the promise needs is set again in each transaction, where a pooler stands between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from service_kit.database_url import PostgresDatabase

# Options of libpq. A server that is gone without a word is found out in seconds.
_SOCKET: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True)
class Session:
    """Time-outs of a session, in seconds, and other settings of it by name.

    `lock_seconds`: of a wait for one lock; `statement_seconds`: of a whole statement;
    `idle_seconds`: of a transaction that does nothing, which then lets go of its locks.
    """

    lock_seconds: float
    statement_seconds: float
    idle_seconds: float
    others: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        """Every setting of the session by its name.

        `synchronous_commit` MUST be on whatever the server's default is: a commit is on disk
        when it returns.
        """
        return {
            "synchronous_commit": "on",
            "lock_timeout": _milliseconds(self.lock_seconds),
            "statement_timeout": _milliseconds(self.statement_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_seconds),
            **self.others,
        }

    def set_in_transaction(self) -> str:
        """An expression list by which a SELECT sets all of it for its transaction alone."""
        return ", ".join(
            f"set_config('{name}', '{value}', true)" for name, value in self.settings().items()
        )

    def connect_args(self, options: str = "") -> dict[str, Any]:
        """Arguments of libpq for a connection; `options`: those of its URL, which ours win over."""
        ours = (f"-c {name}={_escape(value)}" for name, value in self.settings().items())
        return {"options": " ".join([options, *ours]).strip(), **_SOCKET}


class Connection(psycopg.Connection[TupleRow]):
    """A connection, and whether a pooler stands between it and the server."""

    is_pooled = False


class UnsuitableDatabase(psycopg.OperationalError):
    """The database cannot keep what it is given."""


def connect(database: PostgresDatabase, session: Session, *, autocommit: bool) -> Connection:
    """A connection whose transactions read what is committed, in UTF-8, as `session` says.

    Behind a pooler the caller MUST begin each transaction that writes with
    `session.set_in_transaction()`. Raises psycopg.Error; UnsuitableDatabase.
    """
    options = str(conninfo_to_dict(database.conninfo).get("options") or "")
    try:
        db = _open(database, session.connect_args(options))
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" not in str(error):
            raise
        # A pooler that was not told to ignore them. Its transactions are told one by one.
        db = _open(database, _SOCKET)
    try:
        _inspect(db, session)
        # With each BEGIN, for a pooler drops the session's default.
        db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        db.autocommit = autocommit
    except BaseException:
        db.close()
        raise
    return db


def _open(database: PostgresDatabase, arguments: Mapping[str, Any]) -> Connection:
    return Connection.connect(
        database.conninfo,
        autocommit=True,
        client_encoding="UTF8",
        prepare_threshold=database.prepare_threshold,
        **arguments,
    )


def _inspect(db: Connection, session: Session) -> None:
    """Find out what is at the other end."""
    row = db.execute(
        "SELECT pg_backend_pid(), current_setting('server_encoding'), "
        "current_setting('synchronous_commit')"
    ).fetchone()
    if row is None:
        raise UnsuitableDatabase("the database does not answer")
    backend, encoding, synchronous = row
    if encoding != "UTF8":
        raise UnsuitableDatabase(f"the database's encoding must be UTF8, and is {encoding}")
    # A pooler makes up the process that it tells its clients of.
    db.is_pooled = (
        backend != db.info.backend_pid or synchronous != session.settings()["synchronous_commit"]
    )
    if db.is_pooled:
        # What is prepared stays behind in a session that is handed to another client.
        db.prepare_threshold = None


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _escape(value: str) -> str:
    """The value as one word of libpq's `options`."""
    return value.replace("\\", r"\\").replace(" ", r"\ ")
