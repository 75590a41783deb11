"""Users, their changes, and the ways in which a change can fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class UserNotFound(Exception):
    """There is no user of that id."""


class PreconditionFailed(Exception):
    """The user's version is not one that the caller accepts; the message may say why."""


class ConcurrentChange(Exception):
    """Another change of the user, or with the same key, is in progress; nothing was done."""


class IdempotencyKeyReused(Exception):
    """The idempotency key names another request than this one."""


@dataclass(frozen=True, slots=True)
class User:
    """A user. `version`: 1 at creation, one more with every change, deletion included."""

    id: str
    name: str
    version: int
    created_at: datetime
    updated_at: datetime


class ChangeKind(Enum):
    """Kind of a change; the value is the event's type."""

    CREATED = "user.storeUser"
    UPDATED = "user.updateUser"
    DELETED = "user.deleteUser"


@dataclass(frozen=True, slots=True)
class UserChange:
    """A change of a user: its kind, the user as they are after it, its time.

    `changed`: the names of the fields that an update changes.
    `password_hash`: the new one, where there is one.
    """

    kind: ChangeKind
    user: User
    at: datetime
    password_hash: str | None = None
    changed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """Context of a change, from its request.

    `deadline`: seconds of the monotonic clock, by which the outcome of its event is known.
    `idempotency_key`: names a creation, so that a repeat of it is recognised; `principal`: the name
    of who makes the change, None where that is not known.
    """

    deadline: float
    traceparent: str | None = None
    idempotency_key: str | None = None
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotentCreation:
    """A creation that an idempotency key names: the user as they were then; whether it is made."""

    user: User
    done: bool


@dataclass(frozen=True, slots=True)
class UserPatch:
    """New values of a user's fields; None leaves a field as it is."""

    name: str | None = None
    password: str | None = None


Precondition = Callable[[int], bool]
"""Whether a version is one that the caller accepts."""
