"""A session of PostgreSQL is durable and bounded, whatever server and URL would have it be."""

import psycopg
import pytest

from service_kit.postgres import Session
from tests.support import postgres

SESSION = Session(
    lock_seconds=0.25,
    statement_seconds=2,
    idle_seconds=30,
    others={"default_transaction_isolation": "read committed", "application_name": r"a \ b"},
)


def test_a_server_takes_every_setting_as_it_is(postgres_server: postgres.Server) -> None:
    with psycopg.connect(postgres_server.url(), **SESSION.connect_args()) as db:
        shown = {name: _show(db, name) for name in SESSION.settings()}
    assert shown == {
        "synchronous_commit": "on",
        "lock_timeout": "250ms",
        "statement_timeout": "2s",
        "idle_in_transaction_session_timeout": "30s",
        "default_transaction_isolation": "read committed",
        "application_name": r"a \ b",
    }


def test_settings_win_over_the_options_of_a_url_which_stay_otherwise(
    postgres_server: postgres.Server,
) -> None:
    options = "-c synchronous_commit=off -c client_min_messages=error"
    with psycopg.connect(postgres_server.url(), **SESSION.connect_args(options)) as db:
        assert _show(db, "synchronous_commit") == "on"
        assert _show(db, "client_min_messages") == "error"


def test_a_time_out_is_never_none() -> None:
    """To the server 0 is no time-out."""
    assert Session(0.0001, 0.0001, 0.0001).settings()["lock_timeout"] == "1"


@pytest.mark.parametrize("name", ["connect_timeout", "tcp_user_timeout", "keepalives_idle"])
def test_a_server_that_is_gone_without_a_word_is_found_out(name: str) -> None:
    assert SESSION.connect_args()[name] > 0


def _show(db: psycopg.Connection[tuple[str]], name: str) -> str:
    row = db.execute(f"SHOW {name}".encode()).fetchone()
    assert row is not None
    return row[0]
