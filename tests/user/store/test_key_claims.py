"""Who tries to make what an idempotency key stands for, in the store: one at a time."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.user_factory import change_store, created, user
from user_service.store.changes import ChangeStore
from user_service.store.holds import HoldLost, KeyHold
from user_service.store.users import UserStore
from user_service.users.domain import ChangeUnderWay

KEY = "a key"
CREATION = created(user())
EVENT = b'{"id":"the event"}'


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    """What is held lapses at once: whoever comes next finds it so. Keys are never too old."""
    return change_store(engine, lapse=timedelta(0), keys_kept=timedelta(days=36_500))


@pytest.fixture
def lost(changes: ChangeStore) -> KeyHold:
    """A hold that lapsed, and that another has taken over from."""
    lost = changes.begin(KEY, CREATION, EVENT)
    changes.hold_again(KEY)
    return lost


def test_whoever_lost_a_key_makes_no_user(
    changes: ChangeStore, lost: KeyHold, engine: Engine
) -> None:
    with pytest.raises(HoldLost):
        changes.apply(CREATION, lost)
    assert UserStore(engine).get(user().id) is None


def test_whoever_lost_a_key_puts_no_event_into_the_outbox(
    changes: ChangeStore, lost: KeyHold, engine: Engine
) -> None:
    with pytest.raises(HoldLost):
        changes.apply_with_event(CREATION, EVENT, hold=lost)
    assert UserStore(engine).get(user().id) is None


def test_whoever_lost_a_key_does_not_let_go_of_it_for_who_holds_it(engine: Engine) -> None:
    begun = change_store(engine, lapse=timedelta(0)).begin(KEY, CREATION, EVENT)
    patient = change_store(engine)
    patient.hold_again(KEY)
    patient.release(begun)
    with pytest.raises(ChangeUnderWay):
        patient.hold_again(KEY)


def test_whoever_has_taken_over_a_key_makes_the_user_once(
    changes: ChangeStore, lost: KeyHold, engine: Engine
) -> None:
    hold = changes.hold_again(KEY)
    changes.apply(CREATION, hold)
    assert UserStore(engine).get(user().id) == user()
    found = changes.creation(KEY)
    assert found is not None
    assert found.done
    with pytest.raises(ChangeUnderWay):
        changes.hold_again(KEY)
