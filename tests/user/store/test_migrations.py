"""Migrations, on databases of every schema that has been: each row is afterwards what it was."""

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from service_kit.clock import from_microseconds
from tests.fixtures import ndjson, user_lines, user_rows
from tests.fixtures.ndjson import Line
from tests.support import postgres_dump
from tests.support.user_api import created, patch, path
from tests.support.user_factory import change_store
from tests.user.conftest import MakeApp
from user_service.store import database, schema

FIXTURES = Path(ndjson.__file__).parent
VERSIONS = sorted(file.stem.removeprefix("users-") for file in FIXTURES.glob("users-*.ndjson"))
CENTURY = timedelta(days=36525)


@pytest.fixture(params=VERSIONS)
def fixture(request: pytest.FixtureRequest) -> Path:
    """The files of a fixture, without their endings."""
    return FIXTURES / f"users-{request.param}"


@pytest.fixture
def expected(fixture: Path) -> list[Line]:
    return user_lines.migrated(ndjson.read(fixture.with_suffix(".ndjson")))


@pytest.fixture
def database_url(fixture: Path, empty_url: str) -> str:
    """A copy of the fixture, brought up to date."""
    _load(fixture, empty_url)
    return empty_url


def _load(fixture: Path, empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        shutil.copyfile(fixture.with_suffix(".db"), empty_url.removeprefix("sqlite:///"))
    else:
        postgres_dump.load(empty_url, fixture.with_suffix(".sql").read_text(encoding="utf-8"))
    engine = database.connect(empty_url, threads=1)
    schema.migrate(engine)
    engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = database.connect(database_url, threads=2)
    yield engine
    engine.dispose()


def rows(lines: Sequence[Line], table: str) -> list[dict[str, Any]]:
    return [line["row"] for line in lines if line["table"] == table]


def test_the_newest_schema_has_a_fixture(engine: Engine) -> None:
    """`python -m tests.fixtures.make_users` makes it."""
    with engine.connect() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert VERSIONS[-1] == newest


def test_every_row_is_read_back_unaltered(engine: Engine, expected: Sequence[Line]) -> None:
    assert user_lines.lines_of(engine, like=expected) == expected
    schema.migrate(engine)
    schema.check(engine)
    assert user_lines.lines_of(engine, like=expected) == expected


def test_every_user_is_found_and_can_be_changed(
    make_app: MakeApp, engine: Engine, expected: Sequence[Line]
) -> None:
    """Those whose change was claimed and never made, too."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM intents"))
    client = make_app(delivery="outbox").test_client()
    for row in rows(expected, "users"):
        shown = client.get(path(row)).get_json()
        assert (shown["id"], shown["name"]) == (row["id"], row["name"])
        assert datetime.fromisoformat(shown["created_at"]) == from_microseconds(row["created_at"])
        assert patch(client, row, name="another").status_code == 200


def test_a_new_event_gets_an_id_that_none_had(
    make_app: MakeApp, engine: Engine, expected: Sequence[Line]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM intents"))
    created(make_app(delivery="outbox").test_client())
    *_, new = rows(user_lines.lines_of(engine), "outbox")
    # The maker deleted the newest one.
    assert new["id"] > rows(expected, "outbox")[-1]["id"] + 1


def test_an_idempotency_key_names_the_creation_that_it_did(
    engine: Engine, expected: Sequence[Line]
) -> None:
    store = change_store(engine, keys_kept=CENTURY)
    known = [creation for key in user_rows.KEYS if (creation := store.creation(key))]
    named = {row["user_id"] for row in rows(expected, "idempotency_keys")}
    begun = {row["user_id"] for row in rows(expected, "intents")}
    assert {creation.user.id for creation in known} == named
    assert {creation.user.id for creation in known if not creation.done} == named & begun
    assert store.creation("another") is None


@pytest.mark.parametrize("fixture", [FIXTURES / "users-0002"])
def test_a_change_that_was_claimed_is_logged_with_its_event(fixture: Path, empty_url: str) -> None:
    claims = rows(ndjson.read(fixture.with_suffix(".ndjson")), "claims")
    with capture_logs() as logged:
        _load(fixture, empty_url)
    cleared = [line for line in logged if "event_json" in line]
    assert [line["user_id"] for line in cleared] == [claim["user_id"] for claim in claims]
    assert all(json.loads(line["event_json"])["subject"] == line["user_id"] for line in cleared)


SABOTAGE = (
    "UPDATE users SET password_hash = 'x' WHERE version = 3",
    "UPDATE users SET created_at = created_at / 1000 * 1000",
    "UPDATE users SET name = trim(name)",
    "DELETE FROM intents",
    "UPDATE intents SET released = false",
    "UPDATE idempotency_keys SET noted_minute = 7",
    "UPDATE outbox SET id = id + 1000",
    "UPDATE outbox SET tried_seconds = 0",
    "UPDATE outbox SET last_error = NULL",
    "DELETE FROM outbox WHERE state = 'dead'",
    "UPDATE relay SET fence = 0",
)
"""What a faulty migration might do."""


@pytest.mark.parametrize("sql", SABOTAGE)
def test_a_migration_that_alters_what_is_there_would_be_noticed(
    engine: Engine, expected: Sequence[Line], sql: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql))
    assert user_lines.lines_of(engine, like=expected) != expected


def test_a_migration_that_only_adds_is_let_pass(engine: Engine, expected: Sequence[Line]) -> None:
    older = [
        {**line, "row": {name: value for name, value in line["row"].items() if name != "version"}}
        for line in expected
        if line["table"] != "relay"
    ]
    assert user_lines.lines_of(engine, like=older) == older
