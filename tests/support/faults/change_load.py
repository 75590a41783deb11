"""Changes of users and their events, stored as the user service stores them, one after the other.

For what befalls events that wait: how they came into the outbox makes no difference to it.
"""

import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from service_kit.clock import now
from tests.support import user_factory
from tests.support.faults.working_threads import working
from user_service.sinks.cloudevents import describe, serialise
from user_service.store.transactions import StoreUnavailable
from user_service.users.domain import User, UserChange

THREADS = 4
PAUSE_SECONDS = 0.05
USERS_AT_ONCE = 10
SOURCE = "/faults"


class ChangeLoad:
    """Changes that are made. Each thread changes users of its own.

    `number`: how many were made; `unsure`: how many may have been, the database being away.
    """

    def __init__(self, engine: Engine) -> None:
        self._store = user_factory.change_store(engine, outbox_max=10**9)
        self._counting = threading.Lock()
        self.number = 0
        self.unsure = 0

    def create(self) -> User:
        """A new user."""
        at = now()
        user = User(str(uuid.uuid4()), "Ozzy", version=1, created_at=at, updated_at=at)
        return self._make(user_factory.created(user))

    def update(self, user: User) -> User:
        """The user, one version later."""
        return self._make(user_factory.updated(user, name=f"Ozzy {user.version + 1}"))

    def delete(self, user: User) -> None:
        """The end of the user."""
        self._make(user_factory.deleted(user))

    def of_one_user(self, number: int) -> None:
        """So many changes, deletion the last."""
        user = self.create()
        for _ in range(number - 2):
            user = self.update(user)
        self.delete(user)

    def keep_on(self, stop: threading.Event) -> None:
        """Change one user or another until it is time to stop."""
        users: list[User] = []
        while not stop.wait(PAUSE_SECONDS):
            try:
                self._change_one_of(users)
            except StoreUnavailable:
                with self._counting:
                    self.unsure += 1

    def check_number(self, events: int) -> None:
        """Whether so many events can be those of all changes."""
        assert self.number <= events <= self.number + self.unsure

    def _change_one_of(self, users: list[User]) -> None:
        if len(users) < USERS_AT_ONCE:
            users.append(self.create())
            return
        # Whoever is not known to have been changed is not changed again.
        user = users.pop(random.randrange(USERS_AT_ONCE))
        if random.random() < 0.1:
            self.delete(user)
        else:
            users.append(self.update(user))

    def _make(self, change: UserChange) -> User:
        event = serialise(describe(change, SOURCE, None))
        self._store.apply_with_event(change, event)
        with self._counting:
            self.number += 1
        return change.user


@contextmanager
def going_on(engine: Engine) -> Iterator[ChangeLoad]:
    """Changes that are being made until the end of the block, by several threads."""
    changes = ChangeLoad(engine)
    with working([changes.keep_on] * THREADS):
        yield changes
