"""SQLite as the users' database: its journal, its lock, its file."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.user_factory import change_store, created, make, says_little, user
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.transactions import StoreUnavailable
from user_service.store.users import UserReader


@contextmanager
def _opened(file: Path, lock_seconds: float = 0.1) -> Iterator[tuple[UserReader, ChangeStore]]:
    """Stores on the file, which do not wait long for its lock."""
    engine = database.connect(f"sqlite:///{file}", threads=2, lock_seconds=lock_seconds)
    try:
        yield UserReader(engine), change_store(engine)
    finally:
        engine.dispose()


def test_a_commit_is_on_disk_and_its_journal_is_a_rollback_journal(database_file: Path) -> None:
    engine = database.connect(f"sqlite:///{database_file}", threads=1)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "truncate", "synchronous": 2, "foreign_keys": 1}


def test_a_lock_that_is_held_too_long_makes_writing_unavailable_and_not_reading(
    database_file: Path,
) -> None:
    with (
        _opened(database_file) as (_, changes),
        closing(sqlite3.connect(database_file, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            make(changes, created(user()))
        says_little(caught.value)
        assert changes.get(user().id) is None
        other.execute("ROLLBACK")
        make(changes, created(user()))
        assert changes.get(user().id) == user()


def test_a_lock_that_is_held_for_a_moment_is_waited_for(
    database_file: Path,
) -> None:
    with (
        _opened(database_file, lock_seconds=10) as (_, changes),
        closing(
            sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)
        ) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        release.start()
        make(changes, created(user()))
        release.join()
        assert changes.get(user().id) == user()


@pytest.mark.parametrize("used_before", [True, False])
def test_a_directory_that_is_gone_makes_the_store_unavailable(
    database_file: Path, tmp_path: Path, *, used_before: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "users.db"
    shutil.copyfile(database_file, file)
    with _opened(file) as (_, changes):
        if used_before:
            make(changes, created(user("before")))
        shutil.rmtree(folder)
        with pytest.raises(StoreUnavailable) as caught:
            make(changes, created(user()))
        says_little(caught.value)


def test_a_file_that_is_no_database_is_unavailable(database_file: Path) -> None:
    database_file.write_bytes(b"nothing of the kind" * 1000)
    with _opened(database_file) as (store, _), pytest.raises(StoreUnavailable):
        store.ping()


def test_connecting_makes_the_directory(tmp_path: Path) -> None:
    database.connect(f"sqlite:///{tmp_path}/a/b/users.db", threads=1).dispose()
    assert (tmp_path / "a" / "b").is_dir()
