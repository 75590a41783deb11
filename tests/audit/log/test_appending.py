"""Appending to the log: rules that every backend keeps."""

from typing import Any

import pytest

from audit_service.events import Event, JsonText, Tolerance, digest
from audit_service.log import Backend, Origin, Outcome, Receipt
from audit_service.log.backend import Entry
from tests.support.log_databases import Store, commit, everything, ids, positions
from tests.support.log_processes import event


def insert_with_digest_of_version_1(store: Store, stored: Event) -> None:
    """The first event of a log, as it was stored when digests had no version."""
    identity, content = digest(stored).identity.hex(), "00" * 32
    sqlite = store.url.startswith("sqlite")
    hashes = f"x'{identity}', x'{content}'" if sqlite else f"'\\x{identity}', '\\x{content}'"
    data = f"x'{(stored.data or b'').hex()}'" if sqlite else f"'\\x{(stored.data or b'').hex()}'"
    store.execute(
        "INSERT INTO event (position, received_at, identity, digest, specversion, source, type, "
        f"id, time, data, data_is_json) VALUES (1, 1, {hashes}, '1.0', '/s', 't', "
        f"'{stored.id}', '{stored.attributes['time']}', {data}, {'0' if sqlite else 'false'})"
    )


def test_positions_are_gapless_from_one_in_the_order_of_commits(backend: Backend) -> None:
    given = [r.position for n in range(3) for r in commit(backend, event(f"{n}a"), event(f"{n}b"))]
    assert given == [1, 2, 3, 4, 5, 6]
    assert ids(everything(backend)) == ["2b", "2a", "1b", "1a", "0b", "0a"]


def test_an_event_appended_twice_is_stored_once(backend: Backend) -> None:
    commit(backend, event("first"), event("a", b"x"))
    assert commit(backend, event("a", b"x")) == [Receipt(2, Outcome.DUPLICATE)]
    assert positions(everything(backend)) == [2, 1]


def test_an_event_twice_in_a_batch_is_stored_once(backend: Backend) -> None:
    receipts = commit(backend, event("a"), event("b"), event("a"), event("c"))
    assert [r.position for r in receipts] == [1, 2, 1, 3]
    assert [r.outcome for r in receipts][2] is Outcome.DUPLICATE


@pytest.mark.parametrize("descending", [True, False])
def test_other_content_of_the_same_source_and_id_is_kept_and_marked(
    backend: Backend, *, descending: bool
) -> None:
    """With the first, whatever the order that an index of the digests has."""
    given = (event("a", b"%d" % n) for n in range(4))
    versions = sorted(given, key=lambda each: digest(each).content, reverse=descending)
    commit(backend, event("other"), versions[0])
    assert commit(backend, versions[1], versions[2]) == [
        Receipt(3, Outcome.CONFLICTING, conflicts_with=2),
        Receipt(4, Outcome.CONFLICTING, conflicts_with=2),
    ]
    assert commit(backend, versions[3]) == [Receipt(5, Outcome.CONFLICTING, conflicts_with=2)]
    marks = [record.conflicts_with for record in everything(backend).records]
    assert marks == [2, 2, 2, None, None]


def test_a_conflicting_event_appended_twice_is_a_duplicate_of_itself(backend: Backend) -> None:
    commit(backend, event("a", b"1"), event("a", b"2"))
    assert commit(backend, event("a", b"2")) == [Receipt(2, Outcome.DUPLICATE)]


def test_an_event_with_an_older_digest_is_known_by_its_content(
    backend: Backend, store: Store
) -> None:
    stored = event("a", b"x", time="2026-01-01T00:00:00.10Z")
    insert_with_digest_of_version_1(store, stored)
    same = event("a", b"x", time="2026-01-01T00:00:00.1Z")
    assert commit(backend, same) == [Receipt(1, Outcome.DUPLICATE)]
    assert commit(backend, event("a", b"y")) == [Receipt(2, Outcome.CONFLICTING, 1)]
    assert commit(backend, event("a", b"y"), same) == [
        Receipt(2, Outcome.DUPLICATE),
        Receipt(1, Outcome.DUPLICATE),
    ]


def test_what_was_tolerated_is_kept_with_the_event(backend: Backend) -> None:
    names = (Tolerance.ATTRIBUTE_NAMES, Tolerance.DATASCHEMA)
    odd = Event(event("a", methodName="x").attributes, None, names)
    commit(backend, odd, event("b"))
    kept = [record.event.tolerated for record in everything(backend).records]
    assert kept == [(), names]


@pytest.mark.parametrize("other", [event("b"), event("a", source="/t")])
def test_another_id_or_source_is_another_event(backend: Backend, other: Event) -> None:
    commit(backend, event("a"))
    assert commit(backend, other) == [Receipt(2, Outcome.STORED)]


def test_a_batch_that_fails_leaves_nothing(backend: Backend) -> None:
    broken: Any = event("b", ext=object())  # type: ignore[arg-type]  # no backend stores it
    entries = [Entry(each, digest(event(each.id))) for each in (event("a"), broken)]
    with pytest.raises(Exception, match=r".+"):
        backend.commit(lambda: entries)
    assert everything(backend).records == []
    assert commit(backend, event("c")) == [Receipt(1, Outcome.STORED)]


def test_received_at_is_that_of_the_commit_and_one_for_a_batch(backend: Backend) -> None:
    commit(backend, event("a"), event("b"))
    (later, sooner) = everything(backend).records
    assert later.received_at == sooner.received_at
    assert 1_700_000_000_000_000 < sooner.received_at < 5_000_000_000_000_000


@pytest.mark.parametrize(
    "appended",
    [
        event("required attributes alone"),
        event("é \U0001f600 '\"\\ \u2028"),
        event("time", time="2026-01-01T00:00:00.123456789+00:00"),
        event("all", time="2026-01-01t00:00:00z", subject="s", datacontenttype="A/B ; c=d"),
        event("types", flag=True, off=False, count=5, least=-(2**31), text="5", truth="true"),
        event("extension", dataschema="a:b", é="no name that would be let in"),
        event("bytes", bytes(range(256))),
        event("json", JsonText(b' {"a": 0.10, "b":12345678901234567890123, "a":"\\ud800"}')),
        event("bytes that are JSON", b'{"a":1}', datacontenttype="a/b"),
        event("null", JsonText(b"null")),
        event("large", b"x" * 300_000),
    ],
    ids=lambda appended: appended.id,
)
def test_an_event_is_read_as_it_was_appended(backend: Backend, appended: Event) -> None:
    (receipt,) = commit(backend, appended)
    for record in (backend.get(receipt.position), everything(backend).records[0]):
        assert record is not None
        kept = record.event
        assert dict(kept.attributes) == dict(appended.attributes)
        types = {name: type(value) for name, value in appended.attributes.items()}
        assert {name: type(value) for name, value in kept.attributes.items()} == types
        assert (kept.data, type(kept.data)) == (appended.data, type(appended.data))


ORIGIN = Origin("audit", 2, 2**40)


def test_an_origin_is_kept_beside_its_event(backend: Backend) -> None:
    commit(backend, event("http"))
    commit(backend, event("kafka"), event("same message"), origin=ORIGIN)
    found = [record.origin for record in everything(backend).records]
    assert found == [ORIGIN, ORIGIN, None]
    record = backend.get(2)
    assert record is not None
    assert (record.origin, record.event) == (ORIGIN, event("kafka"))


def test_an_origin_of_a_duplicate_is_not_kept(backend: Backend) -> None:
    commit(backend, event("a"))
    commit(backend, event("a"), event("b"), origin=ORIGIN)
    commit(backend, event("b"), origin=Origin("audit", 0, 0))
    assert [record.origin for record in everything(backend).records] == [ORIGIN, None]


@pytest.mark.parametrize("sql", ["UPDATE origin SET kafka_offset = 0", "DELETE FROM origin"])
def test_no_origin_can_be_changed_or_deleted(backend: Backend, store: Store, sql: str) -> None:
    commit(backend, event("a"), origin=ORIGIN)
    with pytest.raises(Exception, match="never"):
        store.execute(sql)
