"""Writer on SQLite: concurrent changes share a commit, and each is made or not by itself."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import ContextVar
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, func, select

from tests.support.queueing import wait_until_queued
from tests.support.user_factory import created, user
from user_service.store import database
from user_service.store.tables import USERS
from user_service.store.transactions import RowExists, StoreUnavailable, reading
from user_service.store.users import apply_change
from user_service.store.writer import Work, Writer
from user_service.users.domain import UserNotFound

SECONDS = 20


@pytest.fixture
def engine(database_file: Path) -> Iterator[Engine]:
    engine = database.connect(f"sqlite:///{database_file}", threads=8)
    yield engine
    engine.dispose()


def creating(user_id: str | None = None) -> Work:
    change = created(user(user_id or str(uuid.uuid4())))

    def work(connection: Connection) -> None:
        assert apply_change(connection, change)

    return work


@contextmanager
def _held(engine: Engine) -> Iterator[None]:
    """The write lock is taken during the block."""
    with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def _together(engine: Engine, works: Sequence[Work]) -> list[BaseException | None]:
    """What became of each, all of them written at once."""
    writer = Writer(engine)
    with ThreadPoolExecutor(len(works)) as pool:
        with _held(engine):
            ends: list[Future[None]] = [pool.submit(writer.write, work) for work in works]
            wait_until_queued(writer, len(works))
        return [end.exception(timeout=SECONDS) for end in ends]


def _stored(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(USERS)).scalar_one()


def test_changes_that_come_together_share_a_commit(engine: Engine) -> None:
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)
    assert _together(engine, [creating() for _ in range(5)]) == [None] * 5
    written = len(commits)
    assert (written, _stored(engine)) == (1, 5)


def test_a_commit_waits_for_others_to_share_it_while_there_are_some(engine: Engine) -> None:
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)
    with ThreadPoolExecutor(1) as pool:

        def another(_seconds: float) -> None:
            others.append(pool.submit(writer.write, creating()))
            wait_until_queued(writer, 2)

        others: list[Future[None]] = []
        writer = Writer(engine, siblings=lambda: 2, delay=another)
        writer.write(creating())
        others[0].result(SECONDS)
    written = len(commits)
    assert (written, _stored(engine)) == (1, 2)


def test_a_commit_that_nobody_would_share_does_not_wait(engine: Engine) -> None:
    delays: list[float] = []
    Writer(engine, siblings=lambda: 1, delay=delays.append).write(creating())
    assert delays == []


def _creating_then_raising(connection: Connection) -> None:
    creating()(connection)
    raise UserNotFound("u")


def test_a_change_that_fails_leaves_no_trace_and_the_others_are_stored(engine: Engine) -> None:
    ends = _together(engine, [creating(), _creating_then_raising, creating()])
    assert [type(end) for end in ends] == [type(None), UserNotFound, type(None)]
    assert _stored(engine) == 2


def test_an_existing_row_fails_the_second_insert_alone(engine: Engine) -> None:
    ends = _together(engine, [creating("one"), creating("one"), creating("two")])
    assert sorted(str(end) for end in ends) == ["IntegrityError", "None", "None"]
    assert {type(end) for end in ends if end} == {RowExists}
    assert _stored(engine) == 2


def _filling_the_disk(connection: Connection) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(1000000)")


def test_a_failure_of_the_database_fails_every_change_and_stores_none(engine: Engine) -> None:
    ends = _together(engine, [creating(), _filling_the_disk, creating()])
    assert [str(end) for end in ends] == ["SQLITE_FULL"] * 3
    assert {type(end) for end in ends} == {StoreUnavailable}
    assert len({id(end) for end in ends}) == 3, "each raises an error of its own"
    assert _stored(engine) == 0


def test_a_change_that_cannot_be_undone_alone_fails_all(
    engine: Engine,
) -> None:
    """Half of it, a user without their event, would be committed with the others."""

    def losing_its_savepoint(connection: Connection) -> None:
        creating()(connection)
        connection.exec_driver_sql("RELEASE work")
        raise UserNotFound("u")

    ends = _together(engine, [creating(), losing_its_savepoint, creating()])
    assert [str(end) for end in ends] == ["OperationalError"] * 3
    assert {type(end) for end in ends} == {StoreUnavailable}
    assert _stored(engine) == 0


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "users.db").write_bytes(b"no database" * 1000)
    engine = database.connect(f"sqlite:///{tmp_path}/users.db", threads=1)
    with pytest.raises(StoreUnavailable, match=r"^SQLITE_NOTADB$"):
        Writer(engine).write(creating())
    engine.dispose()


def test_a_change_sees_what_the_one_before_it_wrote(engine: Engine) -> None:
    seen: list[int] = []

    def counting(connection: Connection) -> None:
        creating()(connection)
        seen.append(connection.execute(select(func.count()).select_from(USERS)).scalar_one())

    assert _together(engine, [counting] * 3) == [None] * 3
    assert seen == [1, 2, 3]


def test_each_change_runs_in_the_context_of_its_caller(engine: Engine) -> None:
    name: ContextVar[str] = ContextVar("name")
    writer = Writer(engine)
    seen: list[tuple[str, str]] = []

    def asking(mine: str) -> Callable[[], None]:
        def ask() -> None:
            name.set(mine)
            writer.write(lambda _: seen.append((mine, name.get())))

        return ask

    with ThreadPoolExecutor(3) as pool:
        with _held(engine):
            ends = [pool.submit(asking(each)) for each in "abc"]
            wait_until_queued(writer, 3)
        for end in ends:
            end.result(timeout=SECONDS)
    assert sorted(seen) == [("a", "a"), ("b", "b"), ("c", "c")]
