"""Operations on users: read, create, update, delete. They know no transport and no database."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from service_kit.clock import now
from user_service.users.domain import (
    ChangeContext,
    ChangeKind,
    IdempotencyKeyReused,
    IdempotentCreation,
    Precondition,
    PreconditionFailed,
    User,
    UserChange,
    UserNotFound,
    UserPatch,
)
from user_service.users.passwords import Passwords


class ChangeRecorder(Protocol):
    """Stores a change together with its event."""

    def save(self, change: UserChange, context: ChangeContext) -> None:
        """Return once the change is stored and its event is delivered, or stored with it."""
        ...

    def resume(self, creation: IdempotentCreation, context: ChangeContext) -> None:
        """The same for a creation that was begun before, with the very same event."""
        ...


class UserRepository(Protocol):
    """Users, and the creations that idempotency keys name."""

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        ...

    def creation(self, key: str) -> IdempotentCreation | None:
        """The creation that the key names, unless the key is too old."""
        ...


class Users:
    """Operations on users.

    Every change raises, beside what its docstring says, what the recorder raises, and HashingBusy
    where there is a password.
    """

    def __init__(
        self,
        repository: UserRepository,
        recorder: ChangeRecorder,
        passwords: Passwords,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._repository = repository
        self._recorder = recorder
        self._passwords = passwords
        self._clock = clock

    def get(self, user_id: str) -> User:
        """Raises UserNotFound."""
        user = self._repository.get(user_id)
        if user is None:
            raise UserNotFound(user_id)
        return user

    def create(self, name: str, password: str, context: ChangeContext) -> User:
        """A new user; or, where the idempotency key is known, the user of its first request.

        Raises PasswordTooShort, IdempotencyKeyReused.
        """
        if context.idempotency_key is not None:
            creation = self._repository.creation(context.idempotency_key)
            if creation is not None:
                return self._repeat(creation, name, context)
        password_hash = self._passwords.hash(password, context.deadline)
        at = self._clock()
        user = User(str(uuid.uuid4()), name, version=1, created_at=at, updated_at=at)
        self._recorder.save(UserChange(ChangeKind.CREATED, user, at, password_hash), context)
        return user

    def update(
        self, user_id: str, patch: UserPatch, context: ChangeContext, accepts: Precondition
    ) -> User:
        """The user after the patch; where it changes nothing, there is no event.

        A password always counts as a change, or the response would reveal whether it was the same.
        Raises UserNotFound, PreconditionFailed, PasswordTooShort.
        """
        user = self._accepted(user_id, accepts)
        changed = []
        if patch.name is not None and patch.name != user.name:
            changed.append("name")
        password_hash = None
        if patch.password is not None:
            changed.append("password")
            password_hash = self._passwords.hash(patch.password, context.deadline)
        if not changed:
            return user
        at = self._clock()
        after = replace(user, name=patch.name or user.name, version=user.version + 1, updated_at=at)
        change = UserChange(ChangeKind.UPDATED, after, at, password_hash, changed)
        self._recorder.save(change, context)
        return after

    def delete(self, user_id: str, context: ChangeContext, accepts: Precondition) -> None:
        """Delete the user. Raises UserNotFound, PreconditionFailed."""
        user = self._accepted(user_id, accepts)
        at = self._clock()
        after = replace(user, version=user.version + 1, updated_at=at)
        self._recorder.save(UserChange(ChangeKind.DELETED, after, at), context)

    def _accepted(self, user_id: str, accepts: Precondition) -> User:
        user = self.get(user_id)
        if not accepts(user.version):
            raise PreconditionFailed
        return user

    def _repeat(self, creation: IdempotentCreation, name: str, context: ChangeContext) -> User:
        """The user of the first request; where that is not settled, its creation is resumed.

        Whatever the password is: the answer would tell whether it is that of the first request.
        """
        if creation.user.name != name:
            raise IdempotencyKeyReused
        if not creation.done:
            self._recorder.resume(creation, context)
        return creation.user
