"""Databases that cannot keep what they are given: refused at start, or named by readiness."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from click import Group
from click.testing import CliRunner

from audit_service import create_app as create_audit_app
from audit_service.cli import main as audit
from audit_service.settings import Settings as AuditSettings
from tests.support.postgres import Server
from user_service import create_app as create_user_app
from user_service.cli import main as users
from user_service.settings import Settings as UserSettings

COMMANDS = [pytest.param("AUDIT", audit, id="audit"), pytest.param("USER", users, id="users")]


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def other_encoding(request: pytest.FixtureRequest, postgres_server: Server) -> Iterator[str]:
    """The URL of a database in another encoding than UTF8."""
    name = f"other_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(
            f"CREATE DATABASE {name} ENCODING '{request.param}' LOCALE 'C' TEMPLATE template0"
        )
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


def set_read_only(url: str) -> None:
    """From now on the database takes no changes, as a standby does not."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f'ALTER DATABASE "{db.info.dbname}" SET default_transaction_read_only = on')


@pytest.mark.parametrize(("service", "main"), COMMANDS)
def test_another_encoding_is_refused_at_start_by_one_line(
    monkeypatch: pytest.MonkeyPatch, other_encoding: str, service: str, main: Group
) -> None:
    monkeypatch.setenv(f"{service}_SERVICE_DATABASE_URL", other_encoding)
    for command in ("migrate", "check"):
        result = CliRunner().invoke(main, [command])
        assert result.exit_code == 78, result.output
        (line,) = result.stderr.splitlines()
        assert "encoding must be UTF8" in line


@pytest.mark.parametrize(("service", "main"), COMMANDS)
def test_a_read_only_database_is_refused_by_check_as_by_run(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, service: str, main: Group
) -> None:
    monkeypatch.setenv(f"{service}_SERVICE_DATABASE_URL", postgres_url)
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    assert CliRunner().invoke(main, ["check"]).exit_code == 0
    set_read_only(postgres_url)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 78, result.output
    assert "read" in result.stderr.lower()


def test_readiness_names_a_database_that_has_become_read_only(postgres_url: str) -> None:
    audit_app = create_audit_app(AuditSettings(database_url=postgres_url))
    assert audit_app.test_client().get("/readyz").status_code == 200
    set_read_only(postgres_url)
    # A standby takes over by new connections.
    audit_app.close()
    again = create_audit_app(AuditSettings(database_url=postgres_url, migrate=False))
    answer = again.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["database"]) == (503, "failing")
    again.close()


def test_readiness_of_the_users_names_it_too(postgres_url: str) -> None:
    create_user_app(UserSettings(database_url=postgres_url, delivery="outbox")).close()
    set_read_only(postgres_url)
    settings = UserSettings(database_url=postgres_url, delivery="outbox", migrate=False)
    app = create_user_app(settings)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["database"]) == (503, "failing")
    app.close()
