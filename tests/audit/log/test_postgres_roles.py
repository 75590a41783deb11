"""Log in PostgreSQL, used by a role that does not own it: appending and reading work, and no more.

The roles are those of deploy/postgres-roles.sql, which operators run, and Compose.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from audit_service.log import Outcome, Salts, migrate, open_log
from audit_service.rejected import RejectedMessage, open_rejected
from tests.support import postgres
from tests.support.evidence_log import signed_log
from tests.support.log_databases import PostgresStore, commit
from tests.support.log_processes import event
from user_service.store import database, schema

ROLES = Path(__file__).parents[3] / "deploy" / "postgres-roles.sql"
NAMES = ("user_service", "audit_owner", "audit_service")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A server of its own, since roles are not of one database; with the roles, made twice."""
    if not postgres.is_there() or shutil.which("psql") is None:
        pytest.skip(f"{postgres.HOW_TO_GET_IT}, with psql")
    with postgres.running() as server:
        for _ in range(2):
            make_roles(server)
        migrate(as_role(server, "audit_owner", "events"))
        yield server


def make_roles(server: postgres.Server) -> None:
    passwords = {f"{name.upper()}_PASSWORD": f"it's {name}" for name in NAMES}
    subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", server.url(), "--file", str(ROLES)],
        env={**os.environ, **passwords},
        check=True,
    )


def as_role(server: postgres.Server, role: str, name: str) -> str:
    return server.url(name).replace("//postgres@", f"//{role}@")


@pytest.fixture
def events_url(server: postgres.Server) -> str:
    return as_role(server, "audit_service", "events")


def test_a_role_that_owns_nothing_appends_reads_and_drops_what_was_rejected(
    events_url: str,
) -> None:
    backend = open_log(events_url)
    outcomes = [commit(backend, each)[0].outcome for each in (event("a"), event("a"))]
    assert outcomes == [Outcome.STORED, Outcome.DUPLICATE]
    backend.ping()
    assert backend.get(1) is not None
    backend.close()
    rejected = open_rejected(events_url)
    rejected.save([RejectedMessage([], None, b"{no", "not JSON")], at_most=10, max_bytes=1000)
    (kept,) = rejected.page(0, 10)
    assert rejected.drop(kept.id)


def test_a_role_that_owns_nothing_signs_the_log_and_gives_salts_to_events_of_before(
    events_url: str,
) -> None:
    backend = open_log(events_url)
    commit(backend, event("signed"))
    backend.add_salts({backend.last(): Salts(bytes(16), bytes(16))})
    with signed_log(PostgresStore(events_url), backend) as signed:
        for n in range(2):
            signed.catch_up()
            assert signed.tree.publish_newest() == signed.tree.newest()
            assert signed.size == backend.last()
            commit(backend, event(f"later{n}"))
    backend.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER event_is_never_changed ON event",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "ALTER FUNCTION event_is_immutable() RENAME TO other",
        "SET session_replication_role = replica",
        "UPDATE event SET type = 'other'",
        "TRUNCATE event CASCADE",
        "DROP TABLE origin",
        "CREATE TABLE other (id integer)",
        "SET ROLE audit_owner",
    ],
)
def test_a_role_that_owns_nothing_can_change_no_event_and_drop_no_trigger(
    events_url: str, sql: str
) -> None:
    with psycopg.connect(events_url) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute(sql)


def test_a_trigger_keeps_it_from_deleting_an_event(events_url: str) -> None:
    backend = open_log(events_url)
    commit(backend, event("kept"))
    backend.close()
    with psycopg.connect(events_url) as db, pytest.raises(psycopg.errors.RaiseException):
        db.execute("DELETE FROM event")


def test_each_service_has_its_own_database_and_neither_is_a_superuser(
    server: postgres.Server,
) -> None:
    engine = database.connect(as_role(server, "user_service", "users"), threads=1)
    schema.migrate(engine)
    schema.check(engine)
    engine.dispose()
    for role, name in (("user_service", "events"), ("audit_service", "users")):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(as_role(server, role, name))
    with psycopg.connect(server.url()) as db:
        supers = db.execute("SELECT rolname FROM pg_roles WHERE rolsuper").fetchall()
    assert supers == [("postgres",)]
