"""Operations on users, with a repository and a recorder in memory."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from user_service.users.domain import (
    ChangeContext,
    ChangeKind,
    IdempotencyKeyReused,
    IdempotentCreation,
    PreconditionFailed,
    User,
    UserChange,
    UserNotFound,
    UserPatch,
)
from user_service.users.passwords import Passwords, PasswordTooShort
from user_service.users.service import Users

AT = datetime(2026, 11, 26, tzinfo=UTC)


class Memory:
    """A repository and a recorder in one: what is saved can be found."""

    def __init__(self) -> None:
        self.saved: list[UserChange] = []
        self.resumed: list[IdempotentCreation] = []
        self.creations: dict[str, IdempotentCreation] = {}
        self._users: dict[str, User] = {}

    def get(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    def creation(self, key: str) -> IdempotentCreation | None:
        return self.creations.get(key)

    def save(self, change: UserChange, context: ChangeContext) -> None:
        self.saved.append(change)
        if change.kind is ChangeKind.DELETED:
            del self._users[change.user.id]
        else:
            self._users[change.user.id] = change.user
        if context.idempotency_key is not None:
            self.creations[context.idempotency_key] = IdempotentCreation(change.user, done=True)

    def resume(self, creation: IdempotentCreation, _: ChangeContext) -> None:
        self.resumed.append(creation)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def users(memory: Memory) -> Users:
    """Operations by a clock that goes on by a second each time it is read."""
    seconds = count()
    passwords = Passwords(memory_kib=8, iterations=1, min_length=3)
    return Users(memory, memory, passwords, clock=lambda: AT.replace(second=next(seconds)))


@pytest.fixture
def context() -> ChangeContext:
    return ChangeContext(deadline=time.monotonic() + 20)


def anything(_version: int) -> bool:
    return True


def test_a_creation_is_saved_as_the_users_first_version(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    user = users.create("Ozzy", "12345", context)
    (change,) = memory.saved
    assert (change.kind, change.user, change.at) == (ChangeKind.CREATED, user, AT)
    assert (user.version, user.created_at, user.updated_at) == (1, AT, AT)
    assert "12345" not in str(change.password_hash)
    assert users.get(user.id) == user


def test_an_update_names_the_fields_that_change_and_raises_the_version(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    user = users.create("Ozzy", "12345", context)
    after = users.update(user.id, UserPatch("Zoe", "54321"), context, anything)
    change = memory.saved[-1]
    assert (change.kind, change.user, change.changed) == (
        ChangeKind.UPDATED,
        after,
        ["name", "password"],
    )
    assert after == replace(user, name="Zoe", version=2, updated_at=AT.replace(second=1))


def test_an_update_to_the_same_name_makes_no_event(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    user = users.create("Ozzy", "12345", context)
    assert users.update(user.id, UserPatch("Ozzy"), context, anything) == user
    assert len(memory.saved) == 1


def test_a_password_always_counts_as_a_change(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    user = users.create("Ozzy", "12345", context)
    assert users.update(user.id, UserPatch(None, "12345"), context, anything).version == 2
    assert memory.saved[-1].changed == ["password"]


def test_a_deletion_is_one_more_version(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    user = users.create("Ozzy", "12345", context)
    users.delete(user.id, context, anything)
    change = memory.saved[-1]
    assert (change.kind, change.user.version) == (ChangeKind.DELETED, 2)
    with pytest.raises(UserNotFound):
        users.get(user.id)


def test_a_version_that_the_caller_does_not_accept_changes_nothing(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    user = users.create("Ozzy", "12345", context)
    with pytest.raises(PreconditionFailed):
        users.update(user.id, UserPatch("Zoe"), context, lambda version: version == 2)
    with pytest.raises(PreconditionFailed):
        users.delete(user.id, context, lambda version: version == 2)
    assert len(memory.saved) == 1


def test_an_absent_user_is_not_found(users: Users, context: ChangeContext) -> None:
    with pytest.raises(UserNotFound):
        users.update("nobody", UserPatch("Zoe"), context, anything)
    with pytest.raises(UserNotFound):
        users.delete("nobody", context, anything)


def test_a_short_password_is_refused_before_anything_is_saved(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    with pytest.raises(PasswordTooShort):
        users.create("Ozzy", "12", context)
    assert memory.saved == []


def test_a_repeat_with_the_same_key_gives_the_first_user(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    named = replace(context, idempotency_key="key")
    user = users.create("Ozzy", "12345", named)
    assert users.create("Ozzy", "12345", named) == user
    assert (len(memory.saved), memory.resumed) == (1, [])


def test_a_repeat_of_a_creation_that_failed_resumes_it(
    users: Users, memory: Memory, context: ChangeContext
) -> None:
    named = replace(context, idempotency_key="key")
    user = users.create("Ozzy", "12345", named)
    failed = replace(memory.creations["key"], done=False)
    memory.creations["key"] = failed
    assert users.create("Ozzy", "12345", named) == user
    assert memory.resumed == [failed]


@pytest.mark.parametrize("password", ["12345", "54321"])
def test_a_key_of_another_request_is_refused_whatever_the_password(
    users: Users, memory: Memory, context: ChangeContext, password: str
) -> None:
    named = replace(context, idempotency_key="key")
    user = users.create("Ozzy", "12345", named)
    with pytest.raises(IdempotencyKeyReused):
        users.create("Zoe", password, named)
    assert users.create("Ozzy", password, named) == user
    assert len(memory.saved) == 1
