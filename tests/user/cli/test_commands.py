"""Commands of the user service, on a real database."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service_kit.cli.commands import service_commands
from user_service.cli import SERVICE


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the commands find their database: a file that is not there yet."""
    file = tmp_path / "data" / "users.db"
    monkeypatch.setenv("USER_SERVICE_DATABASE_URL", f"sqlite:///{file}")
    return file


@pytest.fixture
def unmended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is not brought up to date at start, so that `check` looks at it."""
    monkeypatch.setenv("USER_SERVICE_MIGRATE", "false")


def invoke(*words: str) -> Result:
    # Nothing is served, and no port looked for.
    service = replace(SERVICE, wait_for_port=lambda _: None, serve=lambda *_: None)
    return CliRunner().invoke(service_commands(service), words)


def assert_names_the_database(result: Result) -> str:
    assert result.exit_code == 78, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("user-service: USER_SERVICE_DATABASE_URL: ")
    return line


@pytest.mark.usefixtures("unmended")
def test_migrate_makes_the_database_and_check_is_content(file: Path) -> None:
    assert invoke("migrate").exit_code == 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
    result = invoke("check")
    assert (result.exit_code, result.output) == (0, "")


def test_run_makes_the_database(file: Path) -> None:
    assert invoke("run").exit_code == 0
    assert file.exists()


@pytest.mark.usefixtures("unmended")
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_schema_that_is_not_migrated_is_said_with_what_to_do(command: str) -> None:
    assert "run `user-service migrate`" in assert_names_the_database(invoke(command))


@pytest.mark.parametrize("command", ["migrate", "run"])
def test_a_schema_of_a_newer_version_is_said_in_one_line(file: Path, command: str) -> None:
    invoke("migrate")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in assert_names_the_database(invoke(command))


@pytest.mark.usefixtures("unmended")
@pytest.mark.parametrize("command", ["migrate", "check", "run"])
def test_a_directory_that_cannot_be_made_is_said_in_one_line(file: Path, command: str) -> None:
    file.parent.write_text("a file where a directory is wanted")
    assert_names_the_database(invoke(command))


@pytest.mark.usefixtures("unmended")
@pytest.mark.parametrize("command", ["migrate", "check", "run"])
def test_a_file_that_is_no_database_is_said_in_one_line(file: Path, command: str) -> None:
    file.parent.mkdir()
    file.write_bytes(b"nothing of the kind" * 1000)
    assert "not a database" in assert_names_the_database(invoke(command))


def test_config_masks_the_sinks_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K_SINK", "http://me:s3cret@sink/")
    result = invoke("config")
    assert result.exit_code == 0
    assert "USER_SERVICE_SINK=http://me:***@sink/\n" in result.stdout
    assert "s3cret" not in result.output


@pytest.mark.parametrize(("source", "warned"), [("/a%20b", True), ("/a/b", False)])
def test_a_source_with_an_escape_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, source: str, *, warned: bool
) -> None:
    invoke("migrate")
    monkeypatch.setenv("USER_SERVICE_EVENT_SOURCE", source)
    result = invoke("check")
    assert result.exit_code == 0
    assert ("USER_SERVICE_EVENT_SOURCE has a '%'" in result.output) is warned
