"""Connections to SQLite, and their errors.

Through APSW, which brings a current SQLite of its own: some that operating systems ship can
corrupt a WAL. The file MUST NOT be opened with the standard `sqlite3` in the same process:
closing one library's connection drops the other's locks.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import apsw

from audit_service.log.backend import LOCK_SECONDS, LogUnavailable

LOCK_STEP_SECONDS = 0.0003


def connect(path: str, flags: int, lock_seconds: float = LOCK_SECONDS) -> apsw.Connection:
    """A connection whose commits are on disk, and which waits for others' locks."""
    db = apsw.Connection(path, flags=flags)
    db.set_busy_handler(partial(_wait_a_little, lock_seconds))
    # An fsync a commit: NORMAL loses acknowledged events in a power cut.
    db.execute("PRAGMA synchronous = FULL")
    return db


def _wait_a_little(lock_seconds: float, times: int) -> bool:
    """Whether to try again for a lock of another connection; `times`: the tries so far.

    SQLite's own way waits up to 100 ms between two tries, for a lock that is held for a
    fraction of one: with two processes that append, a third less a second.
    """
    time.sleep(LOCK_STEP_SECONDS)
    return times * LOCK_STEP_SECONDS < lock_seconds


def enter_wal(db: apsw.Connection) -> None:
    """Switch to a WAL, after other processes that do so: SQLite does not wait here by itself."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def file_at(path: str) -> tuple[int, int]:
    """Device and inode of the file: the same as long as it is the same file. Raises OSError."""
    found = os.stat(path)  # noqa: PTH116 - a Path takes three times as long, at each commit
    return found.st_dev, found.st_ino


@contextmanager
def store_errors() -> Iterator[None]:
    """The one place where the store's errors become the log's."""
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise LogUnavailable(f"{type(error).__name__}: {error}") from error
