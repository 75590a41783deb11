"""DirectDelivery delivery does not overtake what waits in the outbox."""

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from tests.support.relay_harness import fill
from tests.user.conftest import MakeApp, Query
from user_service.cli import main
from user_service.store.outbox import OutboxNotEmpty


@pytest.fixture(autouse=True)
def _not_served(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("USER_SERVICE_DATABASE_URL", database_url)
    monkeypatch.setattr("service_kit.process.ports.wait_for_port", lambda _: None)
    monkeypatch.setattr("service_kit.process.gunicorn_server.run", lambda *_: None)


@pytest.mark.parametrize("command", ["run", "check"])
def test_direct_does_not_start_while_something_waits_and_says_what_to_do(
    engine: Engine, command: str
) -> None:
    fill(engine, "u", "v")
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 78
    (line,) = result.stderr.splitlines()
    assert line.startswith("user-service: USER_SERVICE_DELIVERY: 2 events wait")
    assert "`user-service relay`" in line
    assert "`user-service outbox status`" in line


@pytest.mark.parametrize("command", ["run", "check"])
def test_with_an_outbox_it_starts_whatever_waits(
    engine: Engine, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER_SERVICE_DELIVERY", "outbox")
    fill(engine, "u")
    assert CliRunner().invoke(main, [command]).exit_code == 0


def test_an_app_for_direct_delivery_is_not_made_while_something_waits(
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
    assert CliRunner().invoke(main, ["check"]).exit_code == 0
