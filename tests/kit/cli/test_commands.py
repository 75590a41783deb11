"""The commands of a service: what is wrong ends them with one line that names it."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from service_kit import logs
from service_kit.cli import commands
from service_kit.cli.commands import StartError
from service_kit.concurrency import Concurrency
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.process import ports
from service_kit.settings.base import ServiceSettings
from tests.support.ports import free_port

CONFIG = 78


class Trial(ServiceSettings):
    """Settings of a service that exists for these tests."""

    model_config = SettingsConfigDict(env_prefix="TRIAL_SERVICE_")

    sink: str = Field(
        default="http://me:s3cret@sink/",
        validation_alias=AliasChoices("TRIAL_SERVICE_SINK", "PLATFORM_SINK"),
    )


def create_app(_settings: Trial, _concurrency: Concurrency) -> ServiceApp:
    return service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})


@pytest.fixture
def calls() -> list[str]:
    """The calls that a command made, in order."""
    return []


@pytest.fixture
def trial(calls: list[str]) -> commands.Service[Trial]:
    """A service that is never really served."""
    return commands.Service(
        name="trial-service",
        version="1.2.3",
        settings=Trial,
        create_app=create_app,
        migrate=lambda _: calls.append("migrate"),
        check=lambda _: calls.append("check"),
        wait_for_port=functools.partial(ports.wait_for_port, timeout=0),
        serve=lambda *_: calls.append("run"),
    )


@pytest.fixture(autouse=True)
def _free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_SERVICE_BIND", f"127.0.0.1:{free_port()}")


def invoke(service: commands.Service[Trial], *words: str) -> Result:
    return CliRunner().invoke(commands.service_commands(service), words)


def assert_ends_with_one_line(result: Result, *names: str) -> None:
    assert result.exit_code == CONFIG, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("trial-service: ")
    for name in names:
        assert name in line


def test_config_prints_every_setting_with_passwords_masked(
    trial: commands.Service[Trial], calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAL_SERVICE_THREADS", "5")
    result = invoke(trial, "config")
    assert result.exit_code == 0
    printed = dict(line.split("=", 1) for line in result.stdout.splitlines())
    assert printed["TRIAL_SERVICE_SINK"] == "http://me:***@sink/"
    assert printed["TRIAL_SERVICE_THREADS"] == "5"
    assert set(printed) == {names[0] for names in Trial.variables().values()}
    assert "s3cret" not in result.output
    assert calls == []


def test_the_version_is_printed(trial: commands.Service[Trial]) -> None:
    result = invoke(trial, "--version")
    assert (result.exit_code, result.stdout) == (0, "trial-service, version 1.2.3\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_commands_are_listed(trial: commands.Service[Trial], option: str) -> None:
    result = invoke(trial, option)
    assert result.exit_code == 0
    for command in ("run", "check", "migrate", "config"):
        assert command in result.stdout


@pytest.mark.parametrize("command", ["run", "check", "migrate", "config"])
def test_wrong_settings_end_every_command_with_one_line_that_names_them(
    trial: commands.Service[Trial], calls: list[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TRIAL_SERVICE_THREADS", "many")
    monkeypatch.setenv("TRIAL_SERVICE_LOG_FORMAT", "x\ny")
    result = invoke(trial, command)
    assert_ends_with_one_line(result, "TRIAL_SERVICE_THREADS", "TRIAL_SERVICE_LOG_FORMAT")
    assert calls == []


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_port_that_is_taken_ends_it_with_one_line_that_names_it(
    trial: commands.Service[Trial], calls: list[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        bind = f"127.0.0.1:{somebody.getsockname()[1]}"
        monkeypatch.setenv("TRIAL_SERVICE_BIND", bind)
        assert_ends_with_one_line(invoke(trial, command), bind, "in use")
    assert calls == []


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("auth", "starts"), [(None, False), ("none", True), ("tokens", True), ("", False)]
)
def test_an_address_of_others_starts_only_once_it_is_said_who_may(
    trial: commands.Service[Trial],
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    command: str,
    auth: str | None,
    starts: bool,
) -> None:
    monkeypatch.setenv("TRIAL_SERVICE_BIND", f"0.0.0.0:{free_port()}")
    if auth is not None:
        monkeypatch.setenv("TRIAL_SERVICE_AUTH", auth)
    looked = commands.Service(**{**vars(trial), "wait_for_port": lambda _: None})
    result = invoke(looked, command)
    if starts:
        assert result.exit_code == 0
        return
    assert_ends_with_one_line(result, "TRIAL_SERVICE_AUTH", "`tokens`", "`none`")
    assert calls == []


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_token_file_ends_it_with_one_line(
    trial: commands.Service[Trial], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "tokens.json"
    file.write_text('[{"name": "a", "sha256": "secret"}]')
    monkeypatch.setenv("TRIAL_SERVICE_AUTH", "tokens")
    monkeypatch.setenv("TRIAL_SERVICE_TOKENS_FILE", str(file))
    result = invoke(trial, command)
    assert_ends_with_one_line(result, str(file), "0.sha256")
    assert "secret" not in result.stderr.replace(str(file), "")


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_start_error_ends_a_command_with_one_line(
    trial: commands.Service[Trial], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def check(_: Trial) -> None:
        raise StartError("TRIAL_SERVICE_SINK: first\nsecond\x1b[2J")

    monkeypatch.setenv("TRIAL_SERVICE_MIGRATE", "no")
    failing = commands.Service(**{**vars(trial), "check": check})
    result = invoke(failing, command)
    assert_ends_with_one_line(result, "TRIAL_SERVICE_SINK", "first\\nsecond\\x1b[2J")


def test_check_changes_and_serves_nothing(trial: commands.Service[Trial], calls: list[str]) -> None:
    result = invoke(trial, "check")
    assert (result.exit_code, result.output, calls) == (0, "", ["check"])


@pytest.mark.parametrize(("migrate", "code"), [("yes", 0), ("no", CONFIG)])
def test_check_minds_an_old_schema_only_where_run_would_not_mend_it(
    trial: commands.Service[Trial], monkeypatch: pytest.MonkeyPatch, migrate: str, code: int
) -> None:
    def check(_: Trial) -> None:
        raise commands.NotMigrated("the schema is old")

    monkeypatch.setenv("TRIAL_SERVICE_MIGRATE", migrate)
    failing = commands.Service(**{**vars(trial), "check": check})
    assert invoke(failing, "check").exit_code == code


def test_check_minds_a_database_that_is_away(trial: commands.Service[Trial]) -> None:
    def check(_: Trial) -> None:
        raise commands.StartError("TRIAL_SERVICE_DATABASE_URL: connection refused")

    failing = commands.Service(**{**vars(trial), "check": check})
    assert_ends_with_one_line(invoke(failing, "check"), "TRIAL_SERVICE_DATABASE_URL")


def test_migrate_migrates_and_does_nothing_else(
    trial: commands.Service[Trial], calls: list[str]
) -> None:
    assert (invoke(trial, "migrate").exit_code, calls) == (0, ["migrate"])


def test_run_migrates_checks_and_serves(trial: commands.Service[Trial], calls: list[str]) -> None:
    assert (invoke(trial, "run").exit_code, calls) == (0, ["migrate", "check", "run"])


def test_run_leaves_the_schema_alone_when_told_to(
    trial: commands.Service[Trial], calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAL_SERVICE_MIGRATE", "no")
    assert (invoke(trial, "run").exit_code, calls) == (0, ["check", "run"])


def test_run_warns_of_a_variable_that_is_no_setting_and_goes_on(
    trial: commands.Service[Trial],
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRIAL_SERVICE_SINKS", "x")
    monkeypatch.setenv("TRIAL_SERVICE_PORT_3000_TCP_ADDR", "10.0.0.1")
    invoke(trial, "run")
    logs.close()
    (line,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert line["level"] == "warning"
    assert line["message"] == (
        "TRIAL_SERVICE_SINKS is not a setting; the nearest is TRIAL_SERVICE_SINK"
    )
    assert calls[-1] == "run"


# The user service's own


@pytest.fixture
def service(tmp_path: Path) -> dict[str, str]:
    """The environment of a user service on a file of its own."""
    return {
        **os.environ,
        "USER_SERVICE_BIND": f"127.0.0.1:{free_port()}",
        "USER_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/users.db",
        "USER_SERVICE_WORKERS": "1",
    }


def test_a_real_service_stops_with_exit_code_0_on_sigterm(service: dict[str, str]) -> None:
    program = Path(sys.executable).with_name("user-service")
    with subprocess.Popen(
        [program, "run"], env=service, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = json.loads(process.stdout.readline())
            bind = service["USER_SERVICE_BIND"]
            assert line["message"] == f"user-service listens on http://{bind}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
