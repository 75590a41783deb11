"""Users, their changes, and a store for them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from user_service.store.changes import ChangeStore
from user_service.store.transactions import StoreUnavailable
from user_service.users.domain import ChangeKind, User, UserChange


def user(user_id: str = "0d5c7d1e-8f0b-4a0c-9d5e-2f6b1c3a4e5f", name: str = "Ozzy") -> User:
    return User(
        id=user_id,
        name=name,
        version=1,
        created_at=datetime(2026, 11, 23, 18, 1, 2, 123457, UTC),
        updated_at=datetime(2026, 11, 23, 18, 1, 2, 999999, UTC),
    )


def created(user: User) -> UserChange:
    return UserChange(ChangeKind.CREATED, user, user.created_at, "a hash")


def updated(user: User, **fields: Any) -> UserChange:
    """An update of `user`, one version later."""
    after = replace(user, version=user.version + 1, **fields)
    return UserChange(ChangeKind.UPDATED, after, after.updated_at, changed=list(fields))


def deleted(user: User) -> UserChange:
    """The deletion of `user`."""
    return UserChange(ChangeKind.DELETED, replace(user, version=user.version + 1), user.updated_at)


def change_store(
    engine: Engine,
    keys_kept: timedelta = timedelta(hours=24),
    outbox_max: int = 100,
) -> ChangeStore:
    """A store for changes, by the default settings."""
    return ChangeStore(engine, keys_kept=keys_kept, outbox_max=outbox_max)


def make(store: ChangeStore, change: UserChange) -> None:
    """Make a change without an event."""
    store.apply(change, store.begin(change, b"an event"))


def says_little(error: StoreUnavailable) -> None:
    """Its message is the name of an error: no SQL, no value, no path."""
    assert re.fullmatch(r"\w+", str(error))


def user_history(version: int, *, deleted: bool) -> list[tuple[int, str]]:
    """Version and event type of each event of a user who is at this version."""
    updates = [(n, "user.updateUser") for n in range(2, version + (not deleted))]
    ending = [(version, "user.deleteUser")] if deleted else []
    return [(1, "user.storeUser"), *updates, *ending]
