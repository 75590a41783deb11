"""Users, and what can be done with them. Knows no transport and no database."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol


class NoSuchUser(Exception):
    """There is no user of that id."""


class PasswordTooShort(Exception):
    """The password has fewer characters than the service asks for."""

    def __init__(self, minimum: int) -> None:
        super().__init__(f"must have {minimum} characters at least")


class PreconditionFailed(Exception):
    """The user's version is not one that the caller named."""


class ChangeUnderWay(Exception):
    """The same user, or the same idempotency key, is being worked on; nothing was done."""


class KeyReused(Exception):
    """The idempotency key stands for a request that was not the same as this one."""


@dataclass(frozen=True, slots=True)
class User:
    """A user. `version`: 1 at creation, one more with every change, deletion included."""

    id: str
    name: str
    version: int
    created_at: datetime
    updated_at: datetime


class Kind(Enum):
    """What can happen to a user; the value is the event's type."""

    CREATED = "user.storeUser"
    UPDATED = "user.updateUser"
    DELETED = "user.deleteUser"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to a user: what, to whom (as they are afterwards), and when.

    `changed`: the names of the fields that an update changes.
    `password_hash`: the new one, where there is one.
    """

    kind: Kind
    user: User
    at: datetime
    password_hash: str | None = None
    changed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a change takes from the request that asks for it.

    `deadline`: until when it must be done, by the monotonic clock, in seconds.
    `idempotency_key`: names a creation, so that a repeat of it is known for one.
    """

    deadline: float
    traceparent: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Creation:
    """A creation that an idempotency key stands for; `done` once the user is stored."""

    key: str
    happening: Happening
    event: bytes
    done: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update asks for; None leaves a field as it is."""

    name: str | None = None
    password: str | None = None


Precondition = Callable[[int], bool]
"""Whether a version is one that the caller accepts."""


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


def now() -> datetime:
    """The time, to the microsecond, in UTC."""
    return datetime.now(UTC)


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
