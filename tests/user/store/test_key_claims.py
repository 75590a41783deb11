"""Claims of idempotency keys: one process at a time tries to make a creation."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.user_factory import change_store, created, user
from user_service.store.changes import ChangeStore
from user_service.store.claims import Claim, ClaimLost
from user_service.users.domain import ConcurrentChange, IdempotentCreation

KEY = "a key"
CREATION = created(user())
KEPT = timedelta(days=36_500)
EVENT = b'{"id":"the event"}'


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    """A store whose claims expire at once, and whose keys are never too old."""
    return change_store(engine, expiry=timedelta(0), keys_kept=KEPT)


def reclaim(changes: ChangeStore) -> Claim:
    creation = changes.creation(KEY)
    assert creation is not None
    return changes.reclaim(creation)


@pytest.fixture
def lost(changes: ChangeStore) -> Claim:
    """A claim that expired, and that another has taken over from."""
    lost = changes.begin(CREATION, EVENT, KEY)
    reclaim(changes)
    return lost


def test_a_lost_claim_makes_no_user(changes: ChangeStore, lost: Claim, engine: Engine) -> None:
    with pytest.raises(ClaimLost):
        changes.apply(CREATION, lost)
    assert change_store(engine).get(user().id) is None


def test_a_lost_claim_puts_no_event_into_the_outbox(
    changes: ChangeStore, lost: Claim, engine: Engine
) -> None:
    creation = IdempotentCreation(KEY, CREATION, EVENT, done=False)
    with pytest.raises(ClaimLost):
        changes.apply_claimed_with_event(creation, lost)
    assert change_store(engine).get(user().id) is None


def test_a_lost_claim_releases_no_other(engine: Engine) -> None:
    begun = change_store(engine, expiry=timedelta(0)).begin(CREATION, EVENT, KEY)
    patient = change_store(engine, keys_kept=KEPT)
    reclaim(patient)
    patient.release(begun)
    with pytest.raises(ConcurrentChange):
        reclaim(patient)


def test_a_claim_that_was_taken_over_makes_the_user_once(
    changes: ChangeStore, lost: Claim, engine: Engine
) -> None:
    claim = reclaim(changes)
    changes.apply(CREATION, claim)
    assert change_store(engine).get(user().id) == user()
    found = changes.creation(KEY)
    assert found is not None
    assert found.done
    with pytest.raises(ConcurrentChange):
        reclaim(changes)
