"""Fixtures: a user service on a database of its own, a sink on a real socket."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from service_kit import logs
from service_kit.access.token_cache import TOKEN_TIMING, TokenTiming
from service_kit.process.periodic import Task
from tests.support import postgres
from tests.support.sink_server import Sink, answering, open_sink
from user_service import app_on, create_app
from user_service.settings import Settings
from user_service.store import database, schema

MakeApp = Callable[..., Flask]
Query = Callable[..., list[tuple[Any, ...]]]

# Seconds; for a sink that does not answer.
SHORT_DEADLINE = 0.5


@pytest.fixture(autouse=True)
def _structlog_as_it_comes() -> Iterator[None]:
    """No test inherits the logging that another one configured."""
    structlog.reset_defaults()
    yield
    logs.request_id.set(None)


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "users.db"
    engine = database.connect(f"sqlite:///{file}", threads=1)
    schema.migrate(engine)
    engine.dispose()
    return file


@pytest.fixture
def database_file(tmp_path: Path, _migrated: Path) -> Path:
    """A migrated SQLite file without users."""
    file = tmp_path / "users.db"
    shutil.copyfile(_migrated, file)
    return file


@pytest.fixture(scope="session")
def _postgres_url(postgres_server: postgres.Server) -> str:
    """One database for all tests: to empty it is far cheaper than to make one for each."""
    return postgres_server.new_database("users_of_tests")


@pytest.fixture(scope="session")
def _migrated_postgres(_postgres_url: str) -> Iterator[Engine]:
    engine = database.connect(_postgres_url, threads=8)
    schema.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_database(_migrated_postgres: Engine, _postgres_url: str) -> str:
    """The URL of a migrated PostgreSQL database without users; tests MUST leave its schema be."""
    with _migrated_postgres.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        for table in ("users", "intents", "idempotency_keys", "outbox", "token"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("UPDATE relay SET fence = 0, heartbeat = 0, holder = NULL"))
        connection.execute(text("UPDATE running_time SET minutes = 0"))
    return _postgres_url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database without users, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('database_file')}"
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of each kind that was never migrated, the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(request: pytest.FixtureRequest, database_url: str) -> Iterator[Engine]:
    """An engine on that database."""
    if database_url.startswith("postgresql"):
        yield request.getfixturevalue("_migrated_postgres")
        return
    engine = database.connect(database_url, threads=8)
    yield engine
    engine.dispose()


@pytest.fixture
def query(engine: Engine) -> Query:
    """Runs an SQL statement on that database, and commits; the rows, where it has some."""

    def run(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with engine.begin() as connection:
            result = connection.execute(text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    return run


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A sink that acknowledges everything."""
    with open_sink(answering()) as opened:
        yield opened


class ManualPeriodic:
    """The periodic tasks of every app, which run when a test says so."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def __call__(self, tasks: Sequence[Task]) -> Callable[[], None]:
        self._tasks += tasks
        return lambda: None

    def forget(self) -> None:
        """Those of the apps that were made until now run no more."""
        self._tasks = []

    def run(self) -> None:
        """One round of them."""
        for task in self._tasks:
            task(threading.Event())


@pytest.fixture
def periodic() -> ManualPeriodic:
    """The periodic tasks of every app that is made."""
    return ManualPeriodic()


@pytest.fixture
def make_app(database_url: str, periodic: ManualPeriodic) -> Iterator[MakeApp]:
    """Makes a user service; cheap hashing is its default, and a deadline that no sink misses
    that answers.

    `lock_seconds`: the longest wait for a lock of the database.
    """
    usual = {
        "database_url": database_url,
        "migrate": False,
        "delivery_timeout": 10,
        "argon2_memory_kib": 8,
        "argon2_iterations": 1,
    }
    with ExitStack() as undo:

        def make(
            *,
            lock_seconds: float | None = None,
            token_timing: TokenTiming = TOKEN_TIMING,
            **others: Any,
        ) -> Flask:
            settings = Settings(**{**usual, **others})
            app = (
                create_app(settings, periodic=periodic, token_timing=token_timing)
                if lock_seconds is None
                else app_on(
                    database.open_engine(settings, threads=8, lock_seconds=lock_seconds),
                    settings,
                    periodic,
                )
            )
            undo.callback(app.close)
            return app

        yield make


@pytest.fixture
def client(make_app: MakeApp, sink: Sink) -> FlaskClient:
    """A client of a user service whose sink acknowledges everything."""
    return make_app(sink=sink.url).test_client()
