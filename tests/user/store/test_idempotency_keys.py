"""Idempotency keys: kept as digests, forgotten by running time, deleted a few at a time."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.user_factory import change_store, created, user
from tests.user.conftest import Query
from user_service.store import idempotency_keys
from user_service.store.changes import ChangeStore

EVENT = b'{"id":"the event"}'
KEPT = timedelta(minutes=2)


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    return change_store(engine, keys_kept=KEPT)


def pass_minutes(query: Query, minutes: int) -> None:
    query("UPDATE running_time SET minutes = minutes + :minutes", minutes=minutes)


def use(changes: ChangeStore, number: int) -> None:
    changes.begin(created(user(f"u{number}")), EVENT, f"k{number}")


def known(changes: ChangeStore, numbers: int) -> list[bool]:
    return [changes.creation(f"k{number}") is not None for number in range(numbers)]


def test_a_key_is_kept_as_its_digest_alone(changes: ChangeStore, query: Query) -> None:
    changes.begin(created(user()), EVENT, "a-telling-key")
    for table in ("idempotency_keys", "intents"):
        (row,) = query(f"SELECT * FROM {table}")
        kept = [bytes(value) if isinstance(value, memoryview) else value for value in row]
        assert "a-telling-key" not in repr(kept)


def test_a_key_is_known_for_its_time_at_least_and_then_forgotten(
    changes: ChangeStore, query: Query
) -> None:
    for number in range(3):
        use(changes, number)
        pass_minutes(query, 1)
    # The first was used three minutes ago; or two and a moment, at the end of a minute.
    assert known(changes, 3) == [False, True, True]


def test_a_key_that_is_too_old_can_be_used_again(changes: ChangeStore, query: Query) -> None:
    use(changes, 0)
    pass_minutes(query, 3)
    changes.begin(created(user("another")), EVENT, "k0")
    creation = changes.creation("k0")
    assert creation is not None
    assert creation.user.id == "another"


def test_a_creation_that_is_dropped_late_does_not_free_the_key_of_a_later_one(
    changes: ChangeStore, query: Query
) -> None:
    dropped = changes.begin(created(user()), EVENT, "k0")
    pass_minutes(query, 3)
    changes.begin(created(user("another")), EVENT, "k0")
    changes.drop(dropped)
    assert changes.creation("k0") is not None


def test_keys_that_are_too_old_are_deleted_a_few_at_a_time(
    changes: ChangeStore, query: Query
) -> None:
    made = [
        {"digest": number.to_bytes(32), "minute": 0 if number <= idempotency_keys.FEW else 9}
        for number in range(idempotency_keys.FEW + 2)
    ]
    for row in made:
        query(
            "INSERT INTO idempotency_keys (digest, user_id, name, created_at, noted_minute)"
            " VALUES (:digest, 'u', 'Ozzy', 0, :minute)",
            **row,
        )
    query("UPDATE running_time SET minutes = 10")
    assert changes.purge_keys()
    assert not changes.purge_keys()
    assert query("SELECT noted_minute FROM idempotency_keys") == [(9,)]
