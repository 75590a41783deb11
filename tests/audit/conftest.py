from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_service.log import Backend, migrate, open_log
from tests.support.audit_client import Sink, open_sink
from tests.support.log_databases import PostgresStore, SqliteStore, Store


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A sink that tolerates no deviation from the specification."""
    with open_sink(tmp_path, tolerate="none") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty place, one for each kind of backend."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "log" / "events.db")
    return PostgresStore(request.getfixturevalue("postgres_url"))


@pytest.fixture
def backend(store: Store) -> Iterator[Backend]:
    migrate(store.url)
    opened = open_log(store.url)
    yield opened
    opened.close()
