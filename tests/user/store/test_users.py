"""Users in the database, of every kind."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from tests.support.user_factory import (
    change_store,
    created,
    deleted,
    make,
    says_little,
    updated,
    user,
)
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.transactions import StoreUnavailable, writing
from user_service.store.users import UserReader, apply_change
from user_service.users.domain import User


@pytest.fixture
def store(engine: Engine) -> UserReader:
    return UserReader(engine)


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    return change_store(engine)


@pytest.mark.parametrize("name", ["Ozzy", "Zo\u00eb", "\U0001f987" * 200, "'); --", "\\", "%s"])
def test_a_user_comes_back_as_stored_to_the_microsecond(changes: ChangeStore, name: str) -> None:
    stored = user(name=name)
    make(changes, created(stored))
    assert changes.get(stored.id) == stored


@pytest.mark.parametrize("year", [1, 1969, 1970, 2038, 9999])
def test_times_of_any_year_are_kept(changes: ChangeStore, year: int) -> None:
    at = datetime(year, 12, 31, 23, 59, 59, 999999, UTC)
    stored = User("u", "Ozzy", 1, at, at)
    make(changes, created(stored))
    assert changes.get("u") == stored


def test_an_unknown_id_is_no_user(changes: ChangeStore) -> None:
    make(changes, created(user()))
    assert changes.get("somebody else") is None


def test_users_do_not_mix(changes: ChangeStore) -> None:
    both = [user("a", "A"), user("b", "B")]
    for each in both:
        make(changes, created(each))
    assert [changes.get(each.id) for each in both] == both


def test_many_threads_can_write_at_once(changes: ChangeStore) -> None:
    def write(some: list[str]) -> None:
        for user_id in some:
            make(changes, created(user(user_id)))

    ids = [f"user {n}" for n in range(24)]
    threads = [threading.Thread(target=write, args=(ids[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(changes.get(user_id) is not None for user_id in ids)


def test_a_change_that_cannot_be_stored_is_unavailable_and_says_neither_sql_nor_values(
    changes: ChangeStore, engine: Engine
) -> None:
    make(changes, created(user()))
    again = created(user(name="secret name"))
    with pytest.raises(StoreUnavailable) as caught, writing(engine) as connection:
        apply_change(connection, again)
    says_little(caught.value)
    found = changes.get(user().id)
    assert found is not None
    assert found.name == "Ozzy"


def test_a_store_whose_tables_are_missing_is_unavailable(empty_url: str) -> None:
    engine = database.connect(empty_url, threads=1)
    store = UserReader(engine)
    with pytest.raises(StoreUnavailable):
        store.ping()
    with pytest.raises(StoreUnavailable):
        change_store(engine).get("x")
    with pytest.raises(StoreUnavailable):
        store.page(None, 1)
    with pytest.raises(StoreUnavailable):
        make(change_store(engine), created(user()))
    engine.dispose()


def test_a_store_that_works_answers_a_ping(store: UserReader) -> None:
    store.ping()


def test_an_update_changes_what_it_names_and_nothing_else(changes: ChangeStore) -> None:
    before = user()
    make(changes, created(before))
    later = datetime(2027, 1, 1, tzinfo=UTC)
    change = updated(before, name="Zoe", updated_at=later)
    changes.apply(change, changes.begin(change, b"{}"))
    assert changes.get(before.id) == User(before.id, "Zoe", 2, before.created_at, later)


def test_a_hash_is_kept_until_another_one_comes(engine: Engine, changes: ChangeStore) -> None:
    make(changes, created(user()))
    change = updated(user(), name="Zoe")
    changes.apply(change, changes.begin(change, b"{}"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT password_hash FROM users")).scalar() == "a hash"


def test_a_deleted_user_is_gone_and_others_stay(changes: ChangeStore) -> None:
    one, other = user("a"), user("b")
    for each in (one, other):
        make(changes, created(each))
    change = deleted(one)
    changes.apply(change, changes.begin(change, b"{}"))
    assert changes.get("a") is None
    assert changes.get("b") == other
