"""What can be done with users. Knows no transport and no database."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from user_service.users.domain import (
    Changes,
    Context,
    Creation,
    Happening,
    KeyReused,
    Kind,
    NoSuchUser,
    PasswordTooShort,
    Precondition,
    PreconditionFailed,
    User,
    now,
)


class Recording(Protocol):
    """How a happening and its event become one fact."""

    def record(self, happening: Happening, context: Context) -> None:
        """Return once the change is stored and its event is safe."""
        ...

    def resume(self, creation: Creation, context: Context) -> None:
        """The same for a creation that was begun before: the very same event is sent."""
        ...


class Reading(Protocol):
    """Where users are found."""

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        ...


class Creations(Protocol):
    """Where the creations are found that idempotency keys stand for."""

    def creation(self, key: str) -> Creation | None:
        """What the idempotency key stands for, unless it is too old."""
        ...


class Hashing(Protocol):
    """How passwords are kept."""

    def hash(self, password: str, deadline: float) -> str:
        """What to keep in place of the password."""
        ...

    def verify(self, password_hash: str, password: str, deadline: float) -> bool:
        """Whether the hash is of that password."""
        ...


class Users:
    """Everything that can be done with users.

    Every change raises, beside what it says itself, whatever hashing and recording raise.
    """

    def __init__(
        self,
        reading: Reading,
        creations: Creations,
        recording: Recording,
        passwords: Hashing,
        *,
        password_min_length: int = 1,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._reading = reading
        self._creations = creations
        self._recording = recording
        self._passwords = passwords
        self._password_min_length = password_min_length
        self._clock = clock

    def get(self, user_id: str) -> User:
        """Raises NoSuchUser."""
        user = self._reading.get(user_id)
        if user is None:
            raise NoSuchUser(user_id)
        return user

    def create(self, name: str, password: str, context: Context) -> User:
        """A new user; or, where the idempotency key is known, what its first request made.

        Raises PasswordTooShort, KeyReused.
        """
        if context.idempotency_key is not None:
            creation = self._creations.creation(context.idempotency_key)
            if creation is not None:
                return self._repeat(creation, name, password, context)
        password_hash = self._hash(password, context)
        at = self._clock()
        user = User(str(uuid.uuid4()), name, version=1, created_at=at, updated_at=at)
        self._recording.record(Happening(Kind.CREATED, user, at, password_hash), context)
        return user

    def update(
        self, user_id: str, changes: Changes, context: Context, accepts: Precondition
    ) -> User:
        """The user after the changes; where they change nothing, no event is made.

        A password always counts as a change, or the answer would tell whether it was the same.
        Raises NoSuchUser, PreconditionFailed, PasswordTooShort.
        """
        user = self._accepted(user_id, accepts)
        changed = []
        if changes.name is not None and changes.name != user.name:
            changed.append("name")
        password_hash = None
        if changes.password is not None:
            changed.append("password")
            password_hash = self._hash(changes.password, context)
        if not changed:
            return user
        at = self._clock()
        after = replace(
            user, name=changes.name or user.name, version=user.version + 1, updated_at=at
        )
        happening = Happening(Kind.UPDATED, after, at, password_hash, changed)
        self._recording.record(happening, context)
        return after

    def delete(self, user_id: str, context: Context, accepts: Precondition) -> None:
        """No such user from now on. Raises NoSuchUser, PreconditionFailed."""
        user = self._accepted(user_id, accepts)
        at = self._clock()
        after = replace(user, version=user.version + 1, updated_at=at)
        self._recording.record(Happening(Kind.DELETED, after, at), context)

    def _accepted(self, user_id: str, accepts: Precondition) -> User:
        user = self.get(user_id)
        if not accepts(user.version):
            raise PreconditionFailed
        return user

    def _hash(self, password: str, context: Context) -> str:
        if len(password) < self._password_min_length:
            raise PasswordTooShort(self._password_min_length)
        return self._passwords.hash(password, context.deadline)

    def _repeat(self, creation: Creation, name: str, password: str, context: Context) -> User:
        """The first answer again; first, the first try again where it came to nothing."""
        happening = creation.happening
        kept = happening.password_hash or ""
        same = happening.user.name == name
        if not self._passwords.verify(kept, password, context.deadline) or not same:
            raise KeyReused
        if not creation.done:
            self._recording.resume(creation, context)
        return happening.user
