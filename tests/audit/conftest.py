from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from audit_service.access.scopes import PREFIX
from audit_service.access.token_store import open_tokens
from audit_service.cli.tokens import Tokens as TokenAdmin
from audit_service.log import Backend, migrate, open_log
from tests.support.access_table import Tokens
from tests.support.audit_access import opened
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


@pytest.fixture
def tokens(store: Store) -> Iterator[Tokens]:
    """Tokens of that log."""
    migrate(store.url)
    with closing(open_log(store.url)) as log, closing(open_tokens(store.url)) as tokens:
        yield Tokens(TokenAdmin(log, tokens, is_telling=True), PREFIX)


@pytest.fixture
def app(store: Store, tokens: Tokens) -> Iterator[Flask]:
    """A service that asks for tokens."""
    del tokens
    app = opened(store, auth="tokens")
    yield app
    app.close()
