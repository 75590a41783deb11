"""The schema of the log, on every backend."""

from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from audit_service.events import digest
from audit_service.log import (
    Backend,
    Origin,
    Outcome,
    SchemaMismatch,
    UnsupportedDatabase,
    migrate,
    open_log,
)
from tests.support.log_databases import Store, commit, everything, ids
from tests.support.log_migrations import first_migrations
from tests.support.log_processes import event


def test_a_log_without_schema_is_not_opened(store: Store) -> None:
    migrate(store.url)
    store.set_version(0)
    with pytest.raises(SchemaMismatch, match="migrate"):
        open_log(store.url)


@pytest.mark.parametrize("use", [open_log, migrate])
def test_a_newer_schema_is_left_alone(store: Store, use: Any) -> None:
    migrate(store.url)
    store.set_version(999)
    with pytest.raises(SchemaMismatch, match="newer"):
        use(store.url)


def test_migrating_again_changes_nothing(backend: Backend, store: Store) -> None:
    commit(backend, event("a"))
    migrate(store.url)
    assert ids(everything(backend)) == ["a"]


def test_a_log_of_an_older_version_is_brought_up_to_date_with_its_events(
    store: Store, tmp_path: Path
) -> None:
    migrate(store.url, migrations=first_migrations(tmp_path, 1))
    old = event("1€€€€-and-more")
    identity, content = digest(old).identity[-16:].hex(), digest(old).content.hex()
    sqlite = store.url.startswith("sqlite")
    hashes = f"x'{identity}', x'{content}'" if sqlite else f"'\\x{identity}', '\\x{content}'"
    store.execute(
        "INSERT INTO event (position, received_at, identity, digest, specversion, source, "
        f"type, id, data_is_json) VALUES (1, 1, {hashes}, '1.0', '/s', 't', '{old.id}', "
        f"{'0' if sqlite else 'false'})"
    )
    with pytest.raises(SchemaMismatch, match="migrate"):
        open_log(store.url)
    migrate(store.url)
    backend = open_log(store.url)
    receipts = commit(backend, event("new"), old, origin=Origin("t", 0, 0))
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED, Outcome.DUPLICATE]
    assert ids(everything(backend)) == ["new", old.id]
    with pytest.raises((apsw.Error, psycopg.Error), match="never"):
        store.execute("UPDATE event SET id = 'x'")
    backend.close()


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://h/d", "events.db"]
)
@pytest.mark.parametrize("use", [open_log, migrate])
def test_other_urls_have_no_backend(url: str, use: Any) -> None:
    with pytest.raises(UnsupportedDatabase):
        use(url)
