"""A user service on a database of its own and a sink on a real socket."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask

from tests.user.sinks import Sink, answering, open_sink
from user_service import create_app, database
from user_service.settings import Settings

MakeApp = Callable[..., Flask]


@pytest.fixture(autouse=True)
def _structlog_as_it_comes() -> Iterator[None]:
    """No test inherits the logging that another one configured."""
    structlog.reset_defaults()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "users.db"
    engine = database.connect(f"sqlite:///{file}", threads=1)
    database.migrate(engine)
    engine.dispose()
    return file


@pytest.fixture
def database_file(tmp_path: Path, _migrated: Path) -> Path:
    """A migrated SQLite file without users."""
    file = tmp_path / "users.db"
    shutil.copyfile(_migrated, file)
    return file


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A sink that acknowledges everything."""
    with open_sink(answering()) as opened:
        yield opened


@pytest.fixture
def make_app(database_file: Path) -> Iterator[MakeApp]:
    """Makes a user service, with cheap hashing and a short deadline unless told otherwise."""
    usual = {
        "database_url": f"sqlite:///{database_file}",
        "migrate": False,
        "delivery_timeout": 0.5,
        "argon2_memory_kib": 8,
        "argon2_iterations": 1,
    }
    with ExitStack() as undo:

        def make(**settings: Any) -> Flask:
            app = create_app(Settings(**{**usual, **settings}))
            undo.callback(app.extensions["engine"].dispose)
            return app

        yield make
