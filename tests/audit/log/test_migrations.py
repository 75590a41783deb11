"""Migrations, on logs of every schema that has been: each event is afterwards what it was."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from audit_service.events import Event
from audit_service.log import Outcome, Receipt, migrate, open_log
from audit_service.log.schema import Schema
from audit_service.rejected import RejectedMessage, open_rejected
from tests.fixtures import log_lines, ndjson
from tests.fixtures.ndjson import Line
from tests.support import postgres_dump
from tests.support.log_databases import Store, commit
from tests.support.log_migrations import one_more_migration
from tests.support.log_processes import event

FIXTURES = Path(ndjson.__file__).parent
VERSIONS = sorted(int(file.stem.removeprefix("log-")) for file in FIXTURES.glob("log-*.ndjson"))


@pytest.fixture(params=VERSIONS)
def fixture(request: pytest.FixtureRequest) -> Path:
    """The files of a fixture, without their endings."""
    return FIXTURES / f"log-{request.param:04}"


@pytest.fixture
def expected(fixture: Path) -> list[Line]:
    return ndjson.read(fixture.with_suffix(".ndjson"))


@pytest.fixture
def url(fixture: Path, store: Store) -> str:
    """A copy of the fixture, as it was committed."""
    if store.url.startswith("sqlite"):
        file = Path(store.url.removeprefix("sqlite:///"))
        file.parent.mkdir()
        shutil.copyfile(fixture.with_suffix(".db"), file)
    else:
        postgres_dump.load(store.url, fixture.with_suffix(".sql").read_text(encoding="utf-8"))
    return store.url


def contents(url: str, like: Sequence[Line], migrations: Path | None = None) -> list[Line]:
    """What is in the log, as far as it can be compared with those lines."""
    backend = open_log(url, migrations=migrations)
    try:
        return ndjson.as_known_to(like, log_lines.lines_of(backend, open_rejected(url)))
    finally:
        backend.close()


def append(url: str, events: Sequence[Event], migrations: Path | None = None) -> Sequence[Receipt]:
    backend = open_log(url, migrations=migrations)
    try:
        return commit(backend, *events)
    finally:
        backend.close()


def of_events(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if "position" in line]


def check_duplicates(url: str, lines: Sequence[Line], migrations: Path | None = None) -> None:
    """Each event is known at its own position, and of none is there another."""
    receipts = append(url, [log_lines.event_of(line) for line in lines], migrations)
    positions = [line["position"] for line in lines]
    assert receipts == [Receipt(position, Outcome.DUPLICATE) for position in positions]


def test_the_newest_schema_has_a_fixture() -> None:
    """`python -m tests.fixtures.make_log` makes it."""
    assert (
        VERSIONS[-1] == max(Schema("sqlite").migrations()) == max(Schema("postgres").migrations())
    )


def test_every_event_and_rejected_message_is_read_back_unaltered(
    url: str, expected: Sequence[Line]
) -> None:
    migrate(url)
    assert contents(url, expected) == expected
    migrate(url)
    assert contents(url, expected) == expected


def test_an_event_that_is_in_it_is_a_duplicate(url: str, expected: Sequence[Line]) -> None:
    migrate(url)
    check_duplicates(url, of_events(expected))
    assert contents(url, expected) == expected


def test_a_new_event_gets_the_next_position(url: str, expected: Sequence[Line]) -> None:
    migrate(url)
    last = of_events(expected)[-1]["position"]
    assert append(url, [event("new")]) == [Receipt(last + 1, Outcome.STORED)]


def test_another_event_of_a_source_and_id_is_a_conflict_with_the_first(
    url: str, expected: Sequence[Line]
) -> None:
    migrate(url)
    events = [log_lines.event_of(line) for line in of_events(expected)]
    others = [Event({**each.attributes, "type": "of no other"}, each.data) for each in events]
    firsts = [line["conflicts_with"] or line["position"] for line in of_events(expected)]
    # One for each source and id.
    once = dict(zip(firsts, others, strict=True))
    receipts = append(url, list(once.values()))
    assert [receipt.conflicts_with for receipt in receipts] == list(once)
    assert {receipt.outcome for receipt in receipts} == {Outcome.CONFLICTING}


def test_no_event_can_be_changed_or_deleted(
    url: str, store: Store, expected: Sequence[Line]
) -> None:
    migrate(url)
    for sql in ("UPDATE event SET type = 'x'", "DELETE FROM event", "DELETE FROM origin"):
        with pytest.raises(Exception, match="never"):
            store.execute(sql)
    assert contents(url, expected) == expected


def test_a_rejected_message_is_known_and_a_new_one_gets_an_id_that_none_had(
    url: str, expected: Sequence[Line]
) -> None:
    migrate(url)
    store = open_rejected(url)
    known = [each.message for each in store.page(0, 100)]
    store.save([*known, RejectedMessage([], None, b"new", "it is new")])
    *before, new = store.page(0, 100)
    assert [each.message for each in before] == known
    # The maker dropped the newest one.
    assert new.id > max(line.get("rejected", 0) for line in expected) + 1


SABOTAGE = {
    "data is lost": "UPDATE event SET data = NULL WHERE position = 7",
    "a time loses digits": "UPDATE event SET time = substr(time, 1, 19)",
    "types change": "UPDATE event SET extensions = replace(extensions, ':true', ':\"true\"')",
    "an event is lost": "DELETE FROM event WHERE position = 1",
    "positions move": "UPDATE event SET position = position + 1000 WHERE position = 1",
    "conflicts are forgotten": "UPDATE event SET conflicts_with = NULL",
    "receipts are dated anew": "UPDATE event SET received_at = 0 WHERE position = 9",
    "origins are lost": "DELETE FROM origin",
    "rejected messages are lost": "DELETE FROM rejected WHERE id = 2",
}
"""What a faulty migration might do."""


def migrate_with(url: str, sql: str, folder: Path) -> Path:
    """Migrate to a schema that is newer than there is, by that statement; its migrations."""
    script = _unprotected(sql, sqlite=url.startswith("sqlite"))
    migrations = one_more_migration(folder, script)
    migrate(url, migrations=migrations)
    return migrations


def _unprotected(sql: str, *, sqlite: bool) -> str:
    tables = ("event", "origin")
    if not sqlite:
        return "".join(f"ALTER TABLE {table} DISABLE TRIGGER ALL;" for table in tables) + sql
    names = [f"{table}_is_never_{what}" for table in tables for what in ("changed", "deleted")]
    return "".join(f"DROP TRIGGER {name};" for name in names) + sql


@pytest.mark.parametrize("sql", SABOTAGE.values(), ids=SABOTAGE)
def test_a_migration_that_alters_what_is_there_would_be_noticed(
    url: str, expected: Sequence[Line], sql: str, tmp_path: Path
) -> None:
    migrations = migrate_with(url, sql, tmp_path)
    assert contents(url, expected, migrations) != expected


def test_a_migration_that_alters_identities_would_be_noticed(
    url: str, expected: Sequence[Line], tmp_path: Path
) -> None:
    migrations = migrate_with(url, "UPDATE event SET identity = digest", tmp_path)
    assert contents(url, expected, migrations) == expected
    with pytest.raises(AssertionError):
        check_duplicates(url, of_events(expected), migrations)


def test_a_migration_that_alters_nothing_is_let_pass(
    url: str, expected: Sequence[Line], tmp_path: Path
) -> None:
    migrations = migrate_with(url, "ALTER TABLE event ADD COLUMN novelty text", tmp_path)
    assert contents(url, expected, migrations) == expected
    check_duplicates(url, of_events(expected), migrations)
