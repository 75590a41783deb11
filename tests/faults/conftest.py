"""Counts and places of faults: each is injected a few times, with FAULTS=full often."""

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.faults import networks
from tests.support.faults.networks import Namespace
from user_service.store import database, schema

FULL = os.environ.get("FAULTS") == "full"
CONNECTIONS = 8


@pytest.fixture(scope="session")
def times() -> Callable[[int, int], int]:
    """Chooses of two counts: the small one, or with FAULTS=full the full one."""
    return lambda few, many: many if FULL else few


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many files open at once as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty users' database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/users.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The users' database, with its tables."""
    engine = database.connect(database_url, threads=CONNECTIONS)
    schema.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def machine() -> Iterator[Namespace]:
    """Another machine, as far as the network goes."""
    if not networks.is_possible():
        pytest.skip(networks.HOW_TO_GET_IT)
    with networks.namespace() as made:
        yield made
