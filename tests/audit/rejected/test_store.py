"""The rules of the store of rejected messages, which every backend must keep."""

from dataclasses import replace

import pytest

from audit_service.log import LogUnavailable, Origin, migrate
from audit_service.rejected import RejectedMessage, RejectedStore, StoredRejection, open_rejected
from tests.support.log_databases import Store

HEADERS = [("ce_id", b"\xff\x00"), ("ce_id", None), ("é \udcff", b"")]
FROM_KAFKA = RejectedMessage(HEADERS, b"key\x00", b"\xff", "id: is not UTF-8", Origin("t", 2, 9))
FROM_HTTP = RejectedMessage([("ce-id", b"1")], None, b"{no", "data: is not JSON")


@pytest.fixture
def rejected(store: Store) -> RejectedStore:
    migrate(store.url)
    return open_rejected(store.url)


def everything(rejected: RejectedStore) -> list[RejectedMessage]:
    return [stored_rejection.message for stored_rejection in rejected.page(0, 10**6)]


@pytest.mark.parametrize(
    "message",
    [
        FROM_KAFKA,
        FROM_HTTP,
        replace(FROM_KAFKA, key=None, value=None, headers=[]),
        replace(FROM_KAFKA, key=b"", value=b""),
        replace(FROM_KAFKA, value=b"x" * 300_000),
    ],
)
def test_a_message_is_read_as_it_was_saved(
    rejected: RejectedStore, message: RejectedMessage
) -> None:
    rejected.save([message])
    (stored_rejection,) = rejected.page(0, 10)
    assert stored_rejection.message == message
    assert 1_700_000_000_000_000 < stored_rejection.received_at < 5_000_000_000_000_000
    assert rejected.get(stored_rejection.id) == stored_rejection


def test_a_message_saved_twice_is_there_once(rejected: RejectedStore) -> None:
    for _ in range(2):
        rejected.save([FROM_KAFKA, FROM_HTTP, FROM_KAFKA])
    assert everything(rejected) == [FROM_KAFKA, FROM_HTTP]


@pytest.mark.parametrize(
    "other",
    [
        replace(FROM_KAFKA, value=b"made anew"),
        replace(FROM_KAFKA, key=None),
        replace(FROM_KAFKA, headers=[]),
        replace(FROM_KAFKA, origin=Origin("t", 2, 10)),
        replace(FROM_KAFKA, origin=Origin("t", 1, 9)),
        replace(FROM_KAFKA, origin=Origin("u", 2, 9)),
        replace(FROM_KAFKA, origin=None),
    ],
)
def test_a_message_that_differs_is_saved_too(
    rejected: RejectedStore, other: RejectedMessage
) -> None:
    rejected.save([FROM_KAFKA])
    rejected.save([other])
    assert everything(rejected) == [FROM_KAFKA, other]


def test_a_digest_depends_on_where_the_parts_of_a_message_begin() -> None:
    messages = [
        RejectedMessage([("a", b"bc")], None, None, ""),
        RejectedMessage([("ab", b"c")], None, None, ""),
        RejectedMessage([("a", None)], None, b"bc", ""),
        RejectedMessage([("a", b"")], None, b"bc", ""),
        RejectedMessage([("a", None)], b"bc", None, ""),
        RejectedMessage([], b"a", b"bc", ""),
        RejectedMessage([], b"ab", b"c", ""),
    ]
    assert len({message.digest for message in messages}) == len(messages)


def test_the_store_keeps_the_newest_of_http_and_all_of_kafka(rejected: RejectedStore) -> None:
    of_kafka = [replace(FROM_KAFKA, origin=Origin("t", 0, n)) for n in range(5)]
    rejected.save(of_kafka)
    of_http = [replace(FROM_HTTP, value=b"%d" % n) for n in range(5)]
    for message in of_http:
        rejected.save([message], at_most=2)
    assert everything(rejected) == [*of_kafka, *of_http[3:]]


def test_pages_go_on_after_an_id(rejected: RejectedStore) -> None:
    rejected.save([replace(FROM_HTTP, value=b"%d" % n) for n in range(5)])
    first = rejected.page(0, 3)
    second = rejected.page(first[-1].id, 3)
    values = [stored_rejection.message.value for stored_rejection in [*first, *second]]
    assert (len(first), values) == (3, [b"0", b"1", b"2", b"3", b"4"])


def test_a_dropped_message_is_gone_and_its_id_is_not_used_again(rejected: RejectedStore) -> None:
    rejected.save([FROM_KAFKA])
    (before,) = rejected.page(0, 10)
    assert rejected.drop(before.id)
    assert not rejected.drop(before.id)
    assert rejected.get(before.id) is None
    rejected.save([FROM_KAFKA])
    (after,) = rejected.page(0, 10)
    assert isinstance(after, StoredRejection)
    assert after.id > before.id


def test_the_store_is_unavailable_where_there_is_no_database(store: Store) -> None:
    nowhere = open_rejected(store.nowhere)
    for use in (
        lambda: nowhere.save([FROM_HTTP]),
        lambda: nowhere.page(0, 1),
        lambda: nowhere.get(1),
        lambda: nowhere.drop(1),
    ):
        with pytest.raises(LogUnavailable):
            use()
