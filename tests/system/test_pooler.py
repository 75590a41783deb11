"""Both services behind pgbouncer, which drops what a client asks for at its start."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests

from audit_service.log import EventLog, Outcome, migrate, open_log
from service_kit import database_url, postgres
from service_kit.database_url import PostgresDatabase
from service_kit.postgres import Session
from tests.support import pgbouncer, processes
from tests.support.audit_client import open_sink
from tests.support.log_processes import event
from tests.support.postgres import Server
from tests.support.sink_server import answering
from tests.support.sink_server import open_sink as open_http_sink
from tests.support.user_factory import change_store, created, make, updated, user
from user_service import create_app
from user_service.settings import Settings
from user_service.store import database, schema

pytestmark = pytest.mark.skipif(not pgbouncer.is_there(), reason=pgbouncer.HOW_TO_GET_IT)

SESSION = Session(lock_seconds=1, statement_seconds=2, idle_seconds=3)


@dataclass(frozen=True)
class Pooled:
    """A database behind a pooler: its URL there, and its name."""

    url: str
    name: str


@pytest.fixture(scope="module", params=["session", "transaction"])
def pooler(request: pytest.FixtureRequest, postgres_server: Server) -> Iterator[int]:
    with pgbouncer.running(postgres_server.port, request.param) as port:
        yield port


@pytest.fixture
def pooled(pooler: int, postgres_server: Server) -> Iterator[Pooled]:
    """An empty database whose own defaults are all wrong."""
    name = f"pooled_{uuid.uuid4().hex}"
    postgres_server.new_database(name)
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        db.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    yield Pooled(f"postgresql://postgres@127.0.0.1:{pooler}/{name}", name)
    postgres_server.drop_database(name)


def parsed(url: str) -> PostgresDatabase:
    found = database_url.parse(url)
    assert isinstance(found, PostgresDatabase)
    return found


def test_a_pooler_is_noticed_and_what_it_drops_is_set_in_each_transaction(pooled: Pooled) -> None:
    with postgres.connect(parsed(pooled.url), SESSION, autocommit=True) as db:
        assert db.is_pooled
        with db.transaction():
            db.execute(f"SELECT {SESSION.set_in_transaction()}")
            for name, value in (
                ("synchronous_commit", "on"),
                ("transaction_isolation", "read committed"),
                ("lock_timeout", "1s"),
                ("statement_timeout", "2s"),
            ):
                assert db.execute(f"SHOW {name}").fetchone() == (value,)


def test_a_server_without_a_pooler_is_known_as_such(postgres_url: str) -> None:
    with postgres.connect(parsed(postgres_url), SESSION, autocommit=True) as db:
        assert not db.is_pooled


def test_a_pooler_that_refuses_options_is_connected_to_without_them(
    postgres_server: Server,
) -> None:
    with pgbouncer.running(
        postgres_server.port, "transaction", ignored="extra_float_digits"
    ) as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with postgres.connect(parsed(url), SESSION, autocommit=True) as db:
            assert db.is_pooled


def note_commits(url: str, table: str) -> None:
    """Have the server note for each row of the table what its commit is to wait for."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as db:
        db.execute("CREATE TABLE commits (waited text, isolation text)")
        db.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO commits VALUES (current_setting('synchronous_commit'), "
            "current_setting('transaction_isolation')); RETURN NULL; END $$"
        )
        db.execute(f"CREATE TRIGGER note AFTER INSERT OR UPDATE ON {table} EXECUTE FUNCTION note()")


def noted(url: str) -> set[tuple[str, str]]:
    with psycopg.connect(url, prepare_threshold=None) as db:
        return {(str(a), str(b)) for a, b in db.execute("SELECT DISTINCT * FROM commits")}


def test_every_event_is_committed_durably_and_in_order(pooled: Pooled) -> None:
    migrate(pooled.url)
    note_commits(pooled.url, "event")
    with closing(open_log(pooled.url)) as backend, ThreadPoolExecutor(8) as pool:
        log = EventLog(backend, timeout=30)
        receipts = list(pool.map(lambda n: log.append([event(str(n))])[0], range(60)))
        backend.ping()
        assert {receipt.outcome for receipt in receipts} == {Outcome.STORED}
        assert sorted(receipt.position for receipt in receipts) == [*range(1, 61)]
        assert len(backend.newest(None, 100, 2**30).records) == 60
    assert noted(pooled.url) == {("on", "read committed")}


def test_the_audit_service_answers_behind_it(tmp_path: Path, pooled: Pooled) -> None:
    with open_sink(tmp_path, database_url=pooled.url) as sink:
        for number in range(60):
            assert sink.binary({"id": str(number)}).status_code == 204
            assert sink.client.get("/v1/events?limit=3").status_code == 200
        assert sink.structured({"time": "no"}).status_code == 400
        assert len(sink.stored()) == 60


def test_every_change_of_a_user_is_committed_durably(pooled: Pooled) -> None:
    engine = database.connect(pooled.url, threads=8)
    schema.migrate(engine)
    schema.check(engine)
    note_commits(pooled.url, "users")
    store = change_store(engine)
    make(store, created(user()))
    change = updated(user(), name="Zoe")
    store.apply(change, store.begin(change, b"{}"))
    engine.dispose()
    assert noted(pooled.url) == {("on", "read committed")}


def test_concurrent_changes_of_one_user_are_409_and_never_503(pooled: Pooled) -> None:
    with open_http_sink(answering(204)) as sink:
        app = create_app(
            Settings(
                database_url=pooled.url, sink=sink.url, argon2_memory_kib=8, argon2_iterations=1
            )
        )
        client = app.test_client()
        made = client.post("/v1/user", json={"name": "Ozzy", "password": "p"}).get_json()

        def rename(number: int) -> int:
            body = {"name": f"name {number}"}
            return app.test_client().patch(f"/v1/user/{made['id']}", json=body).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = set(pool.map(rename, range(48)))
        assert statuses <= {200, 409}
        assert 200 in statuses
        app.close()


def test_the_relay_polls_where_it_cannot_listen(tmp_path: Path, pooled: Pooled) -> None:
    settings = {"USER_SERVICE_DATABASE_URL": pooled.url, "USER_SERVICE_DELIVERY": "outbox"}
    with (
        open_http_sink(answering(204)) as sink,
        processes.user_service(tmp_path, sink.url, **settings) as users,
        processes.relay(tmp_path, sink.url, **settings),
    ):
        body = {"name": "Ozzy", "password": "12345"}
        assert requests.post(f"{users.url}/v1/user", json=body, timeout=20).status_code == 201
        sink.wait_for(1)
