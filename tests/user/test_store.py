"""The rules of the users' store, for every database that can hold it; then SQLite's own."""

import multiprocessing
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, func, inspect, select, text

from user_service import database
from user_service.database import SchemaMismatch
from user_service.store import StoreUnavailable, UserStore
from user_service.tables import METADATA, USERS
from user_service.users import Happening, Kind, User

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    """An empty database of each kind."""
    return f"sqlite:///{tmp_path}/empty.db"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the empty database."""
    engine = database.connect(database_url, threads=4)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> UserStore:
    database.migrate(engine)
    return UserStore(engine)


def user(user_id: str = "0d5c7d1e-8f0b-4a0c-9d5e-2f6b1c3a4e5f", name: str = "Ozzy") -> User:
    return User(
        id=user_id,
        name=name,
        version=1,
        created_at=datetime(2026, 11, 23, 18, 1, 2, 123457, UTC),
        updated_at=datetime(2026, 11, 23, 18, 1, 2, 999999, UTC),
    )


def created(user: User) -> Happening:
    return Happening(Kind.CREATED, user, user.created_at, "a hash")


# Users


@pytest.mark.parametrize("name", ["Ozzy", "Zo\u00eb", "\U0001f987" * 200, "'); --", "\\", "%s"])
def test_a_user_comes_back_as_stored_to_the_microsecond(store: UserStore, name: str) -> None:
    stored = user(name=name)
    store.apply(created(stored))
    assert store.get(stored.id) == stored


@pytest.mark.parametrize("year", [1, 1969, 1970, 2038, 9999])
def test_times_of_any_year_are_kept(store: UserStore, year: int) -> None:
    at = datetime(year, 12, 31, 23, 59, 59, 999999, UTC)
    stored = User("u", "Ozzy", 1, at, at)
    store.apply(created(stored))
    assert store.get("u") == stored


def test_an_unknown_id_is_nobody(store: UserStore) -> None:
    store.apply(created(user()))
    assert store.get("somebody else") is None


def test_users_do_not_mix(store: UserStore) -> None:
    both = [user("a", "A"), user("b", "B")]
    for each in both:
        store.apply(created(each))
    assert [store.get(each.id) for each in both] == both


def test_many_threads_can_write_at_once(store: UserStore) -> None:
    def write(some: list[str]) -> None:
        for user_id in some:
            store.apply(created(user(user_id)))

    ids = [f"user {n}" for n in range(24)]
    threads = [threading.Thread(target=write, args=(ids[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(store.get(user_id) is not None for user_id in ids)


def test_what_cannot_be_stored_is_unavailable_and_says_neither_sql_nor_values(
    store: UserStore,
) -> None:
    store.apply(created(user()))
    with pytest.raises(StoreUnavailable) as caught:
        store.apply(created(user(name="secret name")))
    _says_little(caught.value)
    found = store.get(user().id)
    assert found is not None
    assert found.name == "Ozzy"


def test_a_store_whose_tables_are_missing_is_unavailable(engine: Engine) -> None:
    store = UserStore(engine)
    with pytest.raises(StoreUnavailable):
        store.ping()
    with pytest.raises(StoreUnavailable):
        store.get("x")
    with pytest.raises(StoreUnavailable):
        store.apply(created(user()))


def test_a_store_that_works_answers_a_ping(store: UserStore) -> None:
    store.ping()


def _says_little(error: StoreUnavailable) -> None:
    """Its message is the name of an error: no SQL, no value, no path."""
    assert re.fullmatch(r"\w+", str(error))


# The schema


def test_the_tables_are_what_the_migrations_make(engine: Engine) -> None:
    database.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_migrating_twice_changes_nothing(store: UserStore, engine: Engine) -> None:
    store.apply(created(user()))
    database.migrate(engine)
    database.check(engine)
    assert store.get(user().id) == user()


def _migrate_at_once(url: str, barrier: Barrier) -> None:
    engine = database.connect(url, threads=1)
    barrier.wait(30)
    database.migrate(engine)
    engine.dispose()


def test_several_processes_may_migrate_at_once(database_url: str, engine: Engine) -> None:
    barrier = SPAWN.Barrier(2)
    processes = [
        SPAWN.Process(target=_migrate_at_once, args=(database_url, barrier)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    database.check(engine)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(USERS)).scalar() == 0


def test_a_schema_that_was_not_migrated_is_a_mismatch_that_says_what_to_do(engine: Engine) -> None:
    with pytest.raises(SchemaMismatch, match="user-service migrate"):
        database.check(engine)


def test_checking_changes_nothing(engine: Engine) -> None:
    with pytest.raises(SchemaMismatch):
        database.check(engine)
    assert inspect(engine).get_table_names() == []


def test_a_schema_of_a_newer_version_is_a_mismatch_and_is_left_alone(
    store: UserStore, engine: Engine
) -> None:
    store.apply(created(user()))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch):
        database.check(engine)
    with pytest.raises(SchemaMismatch, match="9999"):
        database.migrate(engine)
    assert store.get(user().id) == user()


# SQLite's own


@pytest.fixture
def sqlite_file(database_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated file, whose lock nobody waits for long."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    return database_file


@contextmanager
def _opened(file: Path) -> Iterator[UserStore]:
    engine = database.connect(f"sqlite:///{file}", threads=2)
    try:
        yield UserStore(engine)
    finally:
        engine.dispose()


def test_a_commit_is_on_disk_and_its_journal_is_a_rollback_journal(sqlite_file: Path) -> None:
    engine = database.connect(f"sqlite:///{sqlite_file}", threads=1)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "truncate", "synchronous": 2, "foreign_keys": 1}


def test_a_lock_that_is_held_too_long_makes_writing_unavailable_and_not_reading(
    sqlite_file: Path,
) -> None:
    with (
        _opened(sqlite_file) as store,
        closing(sqlite3.connect(sqlite_file, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            store.apply(created(user()))
        _says_little(caught.value)
        assert store.get(user().id) is None
        other.execute("ROLLBACK")
        store.apply(created(user()))
        assert store.get(user().id) == user()


def test_a_lock_that_is_held_for_a_moment_is_waited_for(
    database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 10)
    with (
        _opened(database_file) as store,
        closing(
            sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)
        ) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        release.start()
        store.apply(created(user()))
        release.join()
        assert store.get(user().id) == user()


@pytest.mark.parametrize("used_before", [True, False])
def test_a_directory_that_is_gone_makes_the_store_unavailable(
    sqlite_file: Path, tmp_path: Path, *, used_before: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "users.db"
    shutil.copyfile(sqlite_file, file)
    with _opened(file) as store:
        if used_before:
            store.apply(created(user("before")))
        shutil.rmtree(folder)
        with pytest.raises(StoreUnavailable) as caught:
            store.apply(created(user()))
        _says_little(caught.value)


def test_a_file_that_is_no_database_is_unavailable(sqlite_file: Path) -> None:
    sqlite_file.write_bytes(b"nothing of the kind" * 1000)
    with _opened(sqlite_file) as store, pytest.raises(StoreUnavailable):
        store.ping()


def test_connecting_makes_the_directory(tmp_path: Path) -> None:
    database.connect(f"sqlite:///{tmp_path}/a/b/users.db", threads=1).dispose()
    assert (tmp_path / "a" / "b").is_dir()
