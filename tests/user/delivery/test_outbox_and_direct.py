"""Each mode of delivery after the other: it MUST NOT overtake what that one left to do."""

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from service_kit.cli.commands import service_commands
from tests.support.relay_harness import fill
from tests.support.user_factory import change_store, created, user
from tests.user.conftest import MakeApp, Query
from user_service.cli import SERVICE
from user_service.store.intents import IntentsLeft
from user_service.store.outbox import OutboxNotEmpty


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("USER_SERVICE_DATABASE_URL", database_url)


def invoke(command: str) -> Result:
    """A command of a service that is not served."""
    service = replace(SERVICE, wait_for_port=lambda _: None, serve=lambda *_: None)
    return CliRunner().invoke(service_commands(service), [command])


@pytest.mark.parametrize("command", ["run", "check"])
def test_direct_delivery_does_not_start_while_events_wait_and_says_what_to_do(
    engine: Engine, command: str
) -> None:
    fill(engine, "u", "v")
    result = invoke(command)
    assert result.exit_code == 78
    (line,) = result.stderr.splitlines()
    assert line.startswith("user-service: USER_SERVICE_DELIVERY: 2 events wait")
    assert "`user-service relay`" in line
    assert "`user-service outbox status`" in line


@pytest.mark.parametrize("command", ["run", "check"])
def test_outbox_delivery_starts_whatever_waits_in_the_outbox(
    engine: Engine, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER_SERVICE_DELIVERY", "outbox")
    fill(engine, "u")
    assert invoke(command).exit_code == 0


def test_an_app_for_direct_delivery_is_not_made_while_events_wait(
    engine: Engine, make_app: MakeApp
) -> None:
    fill(engine, "u")
    with pytest.raises(OutboxNotEmpty, match="user-service relay"):
        make_app()
    make_app(delivery="outbox")


@pytest.mark.parametrize("state", ["dead", "delivered"])
def test_a_dead_letter_does_not_keep_direct_delivery_from_starting(
    engine: Engine, make_app: MakeApp, query: Query, state: str
) -> None:
    fill(engine, "u")
    query("UPDATE outbox SET state = :state", state=state)
    make_app()
    assert invoke("check").exit_code == 0


@pytest.mark.parametrize("command", ["run", "check"])
def test_outbox_delivery_does_not_start_while_an_intent_is_left_and_says_what_to_do(
    engine: Engine, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = change_store(engine).begin(created(user()), b"{}")
    assert invoke(command).exit_code == 0
    monkeypatch.setenv("USER_SERVICE_DELIVERY", "outbox")
    result = invoke(command)
    assert result.exit_code == 78
    (line,) = result.stderr.splitlines()
    assert line.startswith("user-service: USER_SERVICE_DELIVERY: 1 changes that were begun")
    assert "`user-service run`" in line
    change_store(engine).drop(claim)
    assert invoke(command).exit_code == 0


def test_an_app_for_outbox_delivery_is_not_made_while_an_intent_is_left(
    engine: Engine, make_app: MakeApp
) -> None:
    change_store(engine).begin(created(user()), b"{}")
    with pytest.raises(IntentsLeft, match="direct"):
        make_app(delivery="outbox")
    make_app()
