"""Claims of users: begun, applied, lost, expired, released."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from service_kit.clock import now
from tests.support.user_factory import change_store, created, deleted, make, updated, user
from tests.user.conftest import Query
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.claims import Claim, ClaimLost
from user_service.users.domain import ConcurrentChange, UserChange, UserNotFound

EXPIRY = timedelta(seconds=20)
EVENT = b'{"id":"the event"}'


class Clock:
    """The store's clock, ahead of the real one by what a test says."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes(engine: Engine, clock: Clock) -> ChangeStore:
    """A store with one user at version 1."""
    changes = change_store(engine, EXPIRY, clock=clock)
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


# Begin


@pytest.mark.parametrize("second", [RENAMING, deleted(user())])
def test_a_claimed_user_cannot_be_claimed(changes: ChangeStore, second: UserChange) -> None:
    changes.begin(RENAMING, EVENT)
    with pytest.raises(ConcurrentChange):
        changes.begin(second, EVENT)


def test_a_claim_is_of_one_user_alone(changes: ChangeStore) -> None:
    make(changes, created(user("another")))
    changes.begin(RENAMING, EVENT)
    changes.begin(updated(user("another"), name="Zoe"), EVENT)


def test_a_user_at_another_version_cannot_be_claimed(changes: ChangeStore, query: Query) -> None:
    with pytest.raises(ConcurrentChange):
        changes.begin(updated(RENAMING.user, name="Max"), EVENT)
    assert query("SELECT * FROM claims") == []


def test_an_absent_user_cannot_be_claimed(changes: ChangeStore, query: Query) -> None:
    with pytest.raises(UserNotFound):
        changes.begin(deleted(user("nobody")), EVENT)
    assert query("SELECT * FROM claims") == []


def test_one_of_many_concurrent_claims_succeeds(changes: ChangeStore, query: Query) -> None:
    for _ in range(10):
        barrier = threading.Barrier(6)

        def claim(barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(10)
            return is_free(changes)

        with ThreadPoolExecutor(6) as pool:
            got = [future.result() for future in [pool.submit(claim) for _ in range(6)]]
        assert sorted(got) == [False] * 5 + [True]
        query("DELETE FROM claims")


# Apply, release, expire


def test_a_change_that_is_made_ends_its_claim(changes: ChangeStore, engine: Engine) -> None:
    changes.apply(RENAMING, changes.begin(RENAMING, EVENT))
    assert name_in(engine) == "Zoe"
    changes.begin(deleted(RENAMING.user), EVENT)


def test_a_claim_that_is_released_is_free(changes: ChangeStore, engine: Engine) -> None:
    changes.release(changes.begin(RENAMING, EVENT))
    assert name_in(engine) == "Ozzy"
    assert is_free(changes)


def test_a_claim_expires(changes: ChangeStore, clock: Clock) -> None:
    changes.begin(RENAMING, EVENT)
    clock.ahead = EXPIRY - timedelta(seconds=5)
    assert not is_free(changes)
    clock.ahead = EXPIRY
    assert is_free(changes)


def test_clearing_an_expired_claim_logs_it_with_its_event(
    changes: ChangeStore, clock: Clock
) -> None:
    changes.begin(RENAMING, EVENT)
    clock.ahead = EXPIRY
    with capture_logs() as lines:
        changes.begin(RENAMING, EVENT)
    (line,) = lines
    assert line["log_level"] == "warning"
    assert line["user_id"] == user().id
    assert line["version"] == 2
    assert line["event_json"] == EVENT.decode()


def lost(changes: ChangeStore, clock: Clock) -> tuple[Claim, Claim]:
    """A claim that expired and was cleared, and the one that took its place."""
    first = changes.begin(RENAMING, EVENT)
    clock.ahead = EXPIRY
    return first, changes.begin(updated(user(), name="Max"), EVENT)


def test_a_change_whose_claim_was_cleared_is_not_made(
    changes: ChangeStore, clock: Clock, engine: Engine
) -> None:
    first, second = lost(changes, clock)
    with pytest.raises(ClaimLost):
        changes.apply(RENAMING, first)
    assert name_in(engine) == "Ozzy"
    changes.apply(updated(user(), name="Max"), second)
    with pytest.raises(ClaimLost):
        changes.apply(RENAMING, first)
    assert name_in(engine) == "Max"


def test_a_claim_that_was_cleared_releases_no_other(changes: ChangeStore, clock: Clock) -> None:
    first, second = lost(changes, clock)
    changes.release(first)
    assert not is_free(changes)
    changes.release(second)
    assert is_free(changes)


# Clocks


@pytest.mark.parametrize("back", [timedelta(minutes=1), timedelta(days=400)])
def test_a_clock_that_is_set_back_does_not_lock_a_user_for_long(
    changes: ChangeStore, clock: Clock, back: timedelta
) -> None:
    changes.begin(RENAMING, EVENT)
    clock.ahead = -back
    waited = timedelta()
    while not is_free(changes):
        waited += timedelta(seconds=1)
        clock.ahead = waited - back
        assert waited <= 2 * EXPIRY


@pytest.mark.parametrize("seconds", [0.001, 5])
def test_a_claim_of_a_machine_whose_clock_is_ahead_a_little_is_not_expired(
    changes: ChangeStore, clock: Clock, seconds: float
) -> None:
    clock.ahead = timedelta(seconds=seconds)
    changes.begin(RENAMING, EVENT)
    clock.ahead = timedelta()
    assert not is_free(changes)


# PostgreSQL's own: it locks row by row


@pytest.fixture
def other_engine(postgres_database: str) -> Iterator[Engine]:
    engine = database.connect(postgres_database, threads=2)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_making_a_change_and_clearing_its_claim_do_not_wait_for_each_other(
    changes: ChangeStore, other_engine: Engine, database_url: str, clock: Clock, query: Query
) -> None:
    claim = changes.begin(RENAMING, EVENT)
    clock.ahead = EXPIRY
    others: list[Future[bool]] = []

    def clear() -> bool:
        return is_free(change_store(other_engine, EXPIRY, clock=clock))

    def meet(*_: Any) -> None:
        """After the first statement: go on once the other one waits for a lock."""
        if not others:
            others.append(pool.submit(clear))
            deadline = time.monotonic() + 10
            while not query("SELECT 1 FROM pg_locks WHERE NOT granted"):
                assert time.monotonic() < deadline
                time.sleep(0.005)

    with ThreadPoolExecutor(1) as pool:
        making = database.connect(database_url, threads=1)
        event.listen(making, "after_cursor_execute", meet)
        change_store(making, EXPIRY).apply(RENAMING, claim)
        making.dispose()
        # The change was made first: the other finds the user at another version.
        assert others[0].result() is False
    assert name_in(other_engine) == "Zoe"
