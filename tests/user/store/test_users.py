"""The rules of the users' store, for every database that can hold it."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from tests.support.user_factory import change_store, created, deleted, says_little, updated, user
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.transactions import StoreUnavailable
from user_service.store.users import UserStore
from user_service.users.domain import User


@pytest.fixture
def store(engine: Engine) -> UserStore:
    return UserStore(engine)


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    return change_store(engine)


@pytest.mark.parametrize("name", ["Ozzy", "Zo\u00eb", "\U0001f987" * 200, "'); --", "\\", "%s"])
def test_a_user_comes_back_as_stored_to_the_microsecond(
    store: UserStore, changes: ChangeStore, name: str
) -> None:
    stored = user(name=name)
    changes.apply(created(stored), None)
    assert store.get(stored.id) == stored


@pytest.mark.parametrize("year", [1, 1969, 1970, 2038, 9999])
def test_times_of_any_year_are_kept(store: UserStore, changes: ChangeStore, year: int) -> None:
    at = datetime(year, 12, 31, 23, 59, 59, 999999, UTC)
    stored = User("u", "Ozzy", 1, at, at)
    changes.apply(created(stored), None)
    assert store.get("u") == stored


def test_an_unknown_id_is_nobody(store: UserStore, changes: ChangeStore) -> None:
    changes.apply(created(user()), None)
    assert store.get("somebody else") is None


def test_users_do_not_mix(store: UserStore, changes: ChangeStore) -> None:
    both = [user("a", "A"), user("b", "B")]
    for each in both:
        changes.apply(created(each), None)
    assert [store.get(each.id) for each in both] == both


def test_many_threads_can_write_at_once(store: UserStore, changes: ChangeStore) -> None:
    def write(some: list[str]) -> None:
        for user_id in some:
            changes.apply(created(user(user_id)), None)

    ids = [f"user {n}" for n in range(24)]
    threads = [threading.Thread(target=write, args=(ids[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(store.get(user_id) is not None for user_id in ids)


def test_what_cannot_be_stored_is_unavailable_and_says_neither_sql_nor_values(
    store: UserStore, changes: ChangeStore
) -> None:
    changes.apply(created(user()), None)
    with pytest.raises(StoreUnavailable) as caught:
        changes.apply(created(user(name="secret name")), None)
    says_little(caught.value)
    found = store.get(user().id)
    assert found is not None
    assert found.name == "Ozzy"


def test_a_store_whose_tables_are_missing_is_unavailable(empty_url: str) -> None:
    engine = database.connect(empty_url, threads=1)
    store = UserStore(engine)
    with pytest.raises(StoreUnavailable):
        store.ping()
    with pytest.raises(StoreUnavailable):
        store.get("x")
    with pytest.raises(StoreUnavailable):
        store.page(None, 1)
    with pytest.raises(StoreUnavailable):
        change_store(engine).apply(created(user()), None)
    engine.dispose()


def test_a_store_that_works_answers_a_ping(store: UserStore) -> None:
    store.ping()


def test_an_update_changes_what_it_names_and_nothing_else(
    store: UserStore, changes: ChangeStore
) -> None:
    before = user()
    changes.apply(created(before), None)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    happening = updated(before, name="Zoe", updated_at=later)
    changes.apply(happening, changes.claim(happening, b"{}"))
    assert store.get(before.id) == User(before.id, "Zoe", 2, before.created_at, later)


def test_a_hash_is_kept_until_another_one_comes(engine: Engine, changes: ChangeStore) -> None:
    changes.apply(created(user()), None)
    happening = updated(user(), name="Zoe")
    changes.apply(happening, changes.claim(happening, b"{}"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT password_hash FROM users")).scalar() == "a hash"


def test_a_deleted_user_is_nobody_and_others_stay(store: UserStore, changes: ChangeStore) -> None:
    one, other = user("a"), user("b")
    for each in (one, other):
        changes.apply(created(each), None)
    happening = deleted(one)
    changes.apply(happening, changes.claim(happening, b"{}"))
    assert store.get("a") is None
    assert store.get("b") == other
