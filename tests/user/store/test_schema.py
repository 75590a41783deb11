"""Schema and migrations, on every kind of database."""

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, func, inspect, select, text

from tests.support.user_factory import change_store, created, make, user
from user_service.store import database, schema
from user_service.store.schema import SchemaMismatch
from user_service.store.tables import METADATA, USERS

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    """An engine on the empty database."""
    engine = database.connect(empty_url, threads=4)
    yield engine
    engine.dispose()


@pytest.fixture
def migrated(engine: Engine) -> Engine:
    """The engine, its database migrated."""
    schema.migrate(engine)
    return engine


def test_the_tables_are_what_the_migrations_make(engine: Engine) -> None:
    schema.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_migrating_twice_changes_nothing(migrated: Engine) -> None:
    make(change_store(migrated), created(user()))
    schema.migrate(migrated)
    schema.check(migrated)
    assert change_store(migrated).get(user().id) == user()


def test_where_nothing_is_to_be_migrated_the_library_for_it_is_not_loaded(
    migrated: Engine, empty_url: str
) -> None:
    program = f"""
import sys, user_service.cli
from user_service.store import database, schema
engine = database.connect({empty_url!r}, threads=1)
schema.migrate(engine)
schema.check(engine)
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def _migrate_at_once(url: str, barrier: Barrier) -> None:
    engine = database.connect(url, threads=1)
    barrier.wait(30)
    schema.migrate(engine)
    engine.dispose()


def test_several_processes_may_migrate_at_once(empty_url: str, engine: Engine) -> None:
    barrier = SPAWN.Barrier(2)
    processes = [
        SPAWN.Process(target=_migrate_at_once, args=(empty_url, barrier)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    schema.check(engine)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(USERS)).scalar() == 0


def test_a_schema_that_was_not_migrated_is_a_mismatch_that_says_what_to_do(engine: Engine) -> None:
    with pytest.raises(SchemaMismatch, match="user-service migrate"):
        schema.check(engine)


def test_checking_changes_nothing(engine: Engine) -> None:
    with pytest.raises(SchemaMismatch):
        schema.check(engine)
    assert inspect(engine).get_table_names() == []


def test_a_schema_of_a_newer_version_is_a_mismatch_and_is_left_alone(
    migrated: Engine,
) -> None:
    make(change_store(migrated), created(user()))
    with migrated.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch):
        schema.check(migrated)
    with pytest.raises(SchemaMismatch, match="9999"):
        schema.migrate(migrated)
    assert change_store(migrated).get(user().id) == user()
