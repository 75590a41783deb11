"""Log in PostgreSQL whose server restarts, or is configured otherwise."""

from collections.abc import Iterator

import psycopg
import pytest

from audit_service.log import EventLog, LogUnavailable, Outcome, migrate, open_log
from audit_service.log.postgres_connections import connect
from service_kit import database_url
from service_kit.database_url import PostgresDatabase
from tests.support import postgres
from tests.support.log_processes import event


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """A server of the test's own, which it may stop."""
    if not postgres.is_there():
        pytest.skip(postgres.HOW_TO_GET_IT)
    with postgres.running() as running:
        yield running


def test_a_restart_of_the_server_costs_no_append(server: postgres.Server) -> None:
    migrate(server.url())
    backend = open_log(server.url())
    log = EventLog(backend)
    log.append([event("before")])
    server.stop()
    with pytest.raises(LogUnavailable):
        log.append([event("meanwhile")])
    server.start()
    log.append([event("after")])
    server.stop()
    server.start()
    (receipt,) = log.append([event("at once")])
    assert (receipt.position, receipt.outcome) == (3, Outcome.STORED)
    backend.close()


def test_a_restart_of_the_server_costs_no_read(server: postgres.Server) -> None:
    migrate(server.url())
    backend = open_log(server.url())
    EventLog(backend).append([event("before")])
    assert backend.get(1) is not None
    server.stop()
    with pytest.raises(LogUnavailable):
        backend.ping()
    server.start()
    backend.ping()
    server.crash()
    server.start()
    assert [record.position for record in backend.newest(None, 10, 1000).records] == [1]
    backend.close()


def test_a_commit_waits_for_the_disk_whatever_the_server_thinks(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as db:
        name = db.info.dbname
        db.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        db.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    database = database_url.parse(postgres_url)
    assert isinstance(database, PostgresDatabase)
    with connect(database) as writer, writer.transaction():
        assert writer.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert writer.execute("SHOW transaction_isolation").fetchone() == ("read committed",)


def test_a_database_that_is_not_utf8_is_refused_at_start(
    postgres_server: postgres.Server,
) -> None:
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(LogUnavailable, match="UTF8"):
        migrate(postgres_server.url("latin"))
    postgres_server.drop_database("latin")
