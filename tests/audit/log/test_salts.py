"""Salts of events: rules that every backend keeps."""

from pathlib import Path

import pytest

from audit_service.log import Backend, Salts, migrate, open_log
from tests.support.log_databases import Store, commit, everything
from tests.support.log_migrations import first_migrations
from tests.support.log_processes import event

BEFORE_SALTS = 5


def salts_of(backend: Backend) -> list[Salts | None]:
    return [record.salts for record in everything(backend).records[::-1]]


def test_each_event_gets_two_salts_that_no_other_has(backend: Backend) -> None:
    commit(backend, event("a"), event("a"), event("b"), event("a", b"conflicts"))
    commit(backend, event("c"))
    given = [salt for salts in salts_of(backend) for salt in salts or ()]
    assert len(set(given)) == len(given) == 8
    assert {len(salt) for salt in given} == {16}


def test_what_has_salts_keeps_them(backend: Backend) -> None:
    commit(backend, event("a"))
    before = salts_of(backend)
    backend.add_salts({1: Salts(b"a" * 16, b"d" * 16)})
    assert salts_of(backend) == before


def test_events_of_before_get_theirs_once(store: Store) -> None:
    migrate(store.url)
    insert_without_salts(store)
    backend = open_log(store.url)
    assert salts_of(backend) == [None, None]
    first, other = Salts(b"a" * 16, b"d" * 16), Salts(b"b" * 16, b"e" * 16)
    backend.add_salts({2: first})
    assert salts_of(backend) == [None, first]
    backend.add_salts({1: other, 2: other})
    assert salts_of(backend) == [other, first]
    record = backend.get(2)
    assert record is not None
    assert record.salts == first
    backend.close()


def insert_without_salts(store: Store) -> None:
    """Two events, as an older version stored them."""
    columns = "position, received_at, identity, digest, specversion, source, type, id, data_is_json"
    false = "0" if store.url.startswith("sqlite") else "false"
    for n in (1, 2):
        store.execute(
            f"INSERT INTO event ({columns}) VALUES ({n}, 1, CAST('{n}' AS {blob(store)}), "
            f"CAST('d' AS {blob(store)}), '1.0', '/s', 't', '{n}', {false})"
        )


def blob(store: Store) -> str:
    return "BLOB" if store.url.startswith("sqlite") else "bytea"


@pytest.mark.parametrize(
    "sql", ["UPDATE salt SET late_a = late_d", "DELETE FROM salt", "UPDATE event SET salt_a = NULL"]
)
def test_no_salt_can_be_changed_or_deleted(store: Store, sql: str) -> None:
    migrate(store.url)
    insert_without_salts(store)
    backend = open_log(store.url)
    backend.add_salts({1: Salts(b"a" * 16, b"d" * 16)})
    with pytest.raises(Exception, match="never"):
        store.execute(sql)
    backend.close()


def test_a_log_of_before_salts_is_migrated_with_none(store: Store, tmp_path: Path) -> None:
    """Its start is not held up by them."""
    migrations = first_migrations(tmp_path, BEFORE_SALTS)
    migrate(store.url, migrations=migrations)
    insert_without_salts(store)
    migrate(store.url)
    backend = open_log(store.url)
    assert salts_of(backend) == [None, None]
    backend.close()
