"""Users, and what can be done with them. Knows no transport and no database."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol


class NoSuchUser(Exception):
    """There is no user of that id."""


class PasswordTooShort(Exception):
    """The password has fewer characters than the service asks for."""

    def __init__(self, minimum: int) -> None:
        super().__init__(f"must have {minimum} characters at least")


@dataclass(frozen=True, slots=True)
class User:
    """A user. `version`: 1 at creation, one more with every change."""

    id: str
    name: str
    version: int
    created_at: datetime
    updated_at: datetime


class Kind(Enum):
    """What can happen to a user; the value is the event's type."""

    CREATED = "user.storeUser"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to a user: what, to whom (as they are afterwards), and when."""

    kind: Kind
    user: User
    at: datetime
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a change takes from the request that asks for it.

    `deadline`: until when it must be done, by the monotonic clock, in seconds.
    """

    deadline: float
    traceparent: str | None = None


class Recording(Protocol):
    """How a happening and its event become one fact."""

    def record(self, happening: Happening, context: Context) -> None:
        """Return once the change is stored and its event is safe."""
        ...


class Reading(Protocol):
    """Where users are found."""

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        ...


class Hashing(Protocol):
    """How passwords are kept."""

    def hash(self, password: str, deadline: float) -> str:
        """What to keep in place of the password."""
        ...


def now() -> datetime:
    """The time, to the microsecond, in UTC."""
    return datetime.now(UTC)


class Users:
    """Everything that can be done with users."""

    def __init__(
        self,
        reading: Reading,
        recording: Recording,
        passwords: Hashing,
        *,
        password_min_length: int = 1,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._reading = reading
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
        """A new user, stored, and its event with it.

        Raises PasswordTooShort, and whatever hashing and recording raise.
        """
        if len(password) < self._password_min_length:
            raise PasswordTooShort(self._password_min_length)
        password_hash = self._passwords.hash(password, context.deadline)
        at = self._clock()
        user = User(str(uuid.uuid4()), name, version=1, created_at=at, updated_at=at)
        self._recording.record(Happening(Kind.CREATED, user, at, password_hash), context)
        return user
