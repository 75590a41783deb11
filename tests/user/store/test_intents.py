"""Intents: begun, applied, dropped, released, taken over."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.support.user_factory import change_store, created, deleted, make, updated, user
from tests.user.conftest import Query
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.intents import Claim, ClaimLost, Intent
from user_service.store.unsettled_intents import UnsettledIntents
from user_service.users.domain import ConcurrentChange, UserChange, UserNotFound

EVENT = b'{"id":"the event"}'
KEY = "a key"
OTHER = user("11111111-1111-4111-8111-111111111111")


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    """A store with one user at version 1."""
    changes = change_store(engine)
    make(changes, created(user()))
    return changes


RENAMING = updated(user(), name="Zoe")


def name_in(engine: Engine) -> str:
    found = change_store(engine).get(user().id)
    assert found is not None
    return found.name


def is_free(changes: ChangeStore) -> bool:
    try:
        changes.begin(RENAMING, EVENT)
    except ConcurrentChange:
        return False
    return True


@pytest.fixture
def unsettled(engine: Engine) -> UnsettledIntents:
    return UnsettledIntents(engine)


def taken(unsettled: UnsettledIntents, claim: Claim) -> tuple[Intent, Claim]:
    """The intent, and the claim that took the place of that one."""
    taken = unsettled.take_over(claim)
    assert taken is not None
    return taken


# Begin


@pytest.mark.parametrize("second", [RENAMING, deleted(user())])
def test_a_user_with_an_intent_gets_no_other(changes: ChangeStore, second: UserChange) -> None:
    changes.begin(RENAMING, EVENT)
    with pytest.raises(ConcurrentChange):
        changes.begin(second, EVENT)


def test_an_intent_is_of_one_user_alone(changes: ChangeStore) -> None:
    make(changes, created(OTHER))
    changes.begin(RENAMING, EVENT)
    changes.begin(updated(OTHER, name="Zoe"), EVENT)


def test_a_user_at_another_version_gets_no_intent(changes: ChangeStore, query: Query) -> None:
    with pytest.raises(ConcurrentChange):
        changes.begin(updated(RENAMING.user, name="Max"), EVENT)
    assert query("SELECT * FROM intents") == []


def test_an_absent_user_gets_no_intent(changes: ChangeStore, query: Query) -> None:
    with pytest.raises(UserNotFound):
        changes.begin(deleted(user("nobody")), EVENT)
    assert query("SELECT * FROM intents") == []


def test_one_of_many_concurrent_intents_is_put_down(changes: ChangeStore, query: Query) -> None:
    for _ in range(10):
        barrier = threading.Barrier(6)

        def begin(barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(10)
            return is_free(changes)

        with ThreadPoolExecutor(6) as pool:
            got = [future.result() for future in [pool.submit(begin) for _ in range(6)]]
        assert sorted(got) == [False] * 5 + [True]
        query("DELETE FROM intents")


def test_an_intent_has_all_that_its_change_needs(
    changes: ChangeStore, unsettled: UnsettledIntents
) -> None:
    for change in (RENAMING, created(OTHER)):
        intent, _ = taken(unsettled, changes.begin(change, EVENT))
        after = (intent.change.kind, intent.change.user, intent.change.password_hash)
        assert after == (change.kind, change.user, change.password_hash)
        assert intent.event == EVENT


# Apply, drop


def test_a_change_that_is_made_settles_its_intent(changes: ChangeStore, engine: Engine) -> None:
    changes.apply(RENAMING, changes.begin(RENAMING, EVENT))
    assert name_in(engine) == "Zoe"
    changes.begin(deleted(RENAMING.user), EVENT)


def test_an_intent_that_is_dropped_leaves_the_user_free(
    changes: ChangeStore, engine: Engine
) -> None:
    assert changes.drop(changes.begin(RENAMING, EVENT))
    assert name_in(engine) == "Ozzy"
    assert is_free(changes)


def test_a_creation_that_is_dropped_leaves_its_key_free(changes: ChangeStore) -> None:
    claim = changes.begin(created(OTHER), EVENT, KEY)
    with pytest.raises(ConcurrentChange):
        changes.begin(created(user("another")), EVENT, KEY)
    changes.drop(claim)
    assert changes.creation(KEY) is None
    changes.begin(created(user("another")), EVENT, KEY)


def test_a_creation_is_done_once_it_is_made(changes: ChangeStore) -> None:
    claim = changes.begin(created(OTHER), EVENT, KEY)
    begun = changes.creation(KEY)
    assert begun is not None
    assert not begun.done
    changes.apply(created(OTHER), claim)
    made = changes.creation(KEY)
    assert made is not None
    assert made.done
    assert made.user.id == OTHER.id


def test_a_user_who_is_there_already_is_not_made_again(
    changes: ChangeStore, engine: Engine
) -> None:
    again = created(user(name="Not Ozzy"))
    claim = changes.begin(again, EVENT)
    with pytest.raises(ClaimLost):
        changes.apply(again, claim)
    assert name_in(engine) == "Ozzy"


# Take over


def test_one_of_many_takes_an_intent_over(
    changes: ChangeStore, unsettled: UnsettledIntents
) -> None:
    for _ in range(10):
        claim = changes.begin(RENAMING, EVENT)
        barrier = threading.Barrier(4)

        def take(claim: Claim = claim, barrier: threading.Barrier = barrier) -> object:
            barrier.wait(10)
            return unsettled.take_over(claim)

        with ThreadPoolExecutor(4) as pool:
            got = [future.result() for future in [pool.submit(take) for _ in range(4)]]
        (one,) = [each for each in got if each is not None]
        assert isinstance(one, tuple)
        changes.drop(one[1])


def test_a_holder_whose_intent_was_taken_over_changes_nothing(
    changes: ChangeStore, unsettled: UnsettledIntents, engine: Engine
) -> None:
    lost = changes.begin(RENAMING, EVENT)
    _, claim = taken(unsettled, lost)
    with pytest.raises(ClaimLost):
        changes.apply(RENAMING, lost)
    assert not changes.drop(lost)
    assert not changes.release(lost)
    assert unsettled.take_over(lost) is None
    with pytest.raises(ClaimLost):
        unsettled.keep_withdrawal(lost, EVENT)
    assert name_in(engine) == "Ozzy"
    changes.apply(RENAMING, claim)
    assert name_in(engine) == "Zoe"


def test_a_holder_does_not_mistake_a_later_intent_for_its_own(
    changes: ChangeStore, unsettled: UnsettledIntents
) -> None:
    lost = changes.begin(RENAMING, EVENT)
    _, claim = taken(unsettled, lost)
    changes.drop(claim)
    later = changes.begin(RENAMING, EVENT)
    assert not changes.drop(lost)
    assert not changes.drop(claim)
    assert changes.drop(later)


def test_the_least_tried_of_the_released_intents_come_first(
    changes: ChangeStore, unsettled: UnsettledIntents
) -> None:
    often = changes.begin(RENAMING, EVENT)
    for _ in range(3):
        changes.release(often)
        _, often = taken(unsettled, often)
    changes.release(often)
    once = changes.begin(created(OTHER), EVENT)
    held = changes.begin(created(user("another")), EVENT)
    changes.release(once)
    assert [(found.claim, found.released) for found in unsettled.some()] == [
        (once, True),
        (often, True),
        (held, False),
    ]


def test_a_creation_that_is_held_cannot_be_reclaimed(changes: ChangeStore) -> None:
    claim = changes.begin(created(OTHER), EVENT, KEY)
    with pytest.raises(ConcurrentChange):
        changes.reclaim(OTHER.id)
    changes.release(claim)
    _, ours = changes.reclaim(OTHER.id)
    with pytest.raises(ConcurrentChange):
        changes.reclaim(OTHER.id)
    changes.apply(created(OTHER), ours)
    with pytest.raises(ConcurrentChange):
        changes.reclaim(OTHER.id)


def test_a_withdrawal_is_kept_as_it_was(changes: ChangeStore, unsettled: UnsettledIntents) -> None:
    _, claim = taken(unsettled, changes.begin(created(OTHER), EVENT))
    unsettled.keep_withdrawal(claim, b"the withdrawal")
    intent, _ = taken(unsettled, claim)
    assert intent.withdrawal == b"the withdrawal"


# PostgreSQL's own: it locks row by row


@pytest.fixture
def other_engine(postgres_database: str) -> Iterator[Engine]:
    engine = database.connect(postgres_database, threads=2)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_making_a_change_and_beginning_another_do_not_wait_for_each_other(
    changes: ChangeStore, other_engine: Engine, database_url: str, query: Query
) -> None:
    claim = changes.begin(RENAMING, EVENT)
    others: list[Future[bool]] = []

    def begin() -> bool:
        return is_free(change_store(other_engine))

    def meet(*_: Any) -> None:
        """After the first statement: go on once the other one waits for a lock."""
        if not others:
            others.append(pool.submit(begin))
            deadline = time.monotonic() + 10
            while not query("SELECT 1 FROM pg_locks WHERE NOT granted"):
                assert time.monotonic() < deadline
                time.sleep(0.005)

    with ThreadPoolExecutor(1) as pool:
        making = database.connect(database_url, threads=1)
        event.listen(making, "after_cursor_execute", meet)
        change_store(making).apply(RENAMING, claim)
        making.dispose()
        # The change was made first: the other finds the user at another version.
        assert others[0].result() is False
    assert name_in(other_engine) == "Zoe"
