"""Passwords, as argon2id hashes; the default parameters are those that OWASP recommends."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from argon2 import PasswordHasher

from user_service.users.hashing_places import HashingBusy, HashingPlaces

PASSWORD_MAX_LENGTH = 1024
"""The most characters of a password; `Passwords` is given the fewest."""

Result = TypeVar("Result")


class PasswordTooShort(Exception):
    """The password has fewer characters than the service asks for."""

    def __init__(self, minimum: int) -> None:
        super().__init__(f"must have {minimum} characters at least")


class Passwords:
    """Hashes passwords, no more at once than there are places: each needs memory and a core.

    In threads of its own, since the allocator keeps the memory of a hash for the thread: in the
    threads of requests it was 400 MiB a worker instead of 120.
    """

    def __init__(
        self,
        *,
        memory_kib: int,
        iterations: int,
        min_length: int = 1,
        places: HashingPlaces | None = None,
    ) -> None:
        """`min_length`: the fewest characters of a new password; `places`: of its own if None."""
        self._min_length = min_length
        self._hasher = PasswordHasher(time_cost=iterations, memory_cost=memory_kib, parallelism=1)
        self._places = places or HashingPlaces()
        self._threads = ThreadPoolExecutor(self._places.number, thread_name_prefix="hashing")

    def hash(self, password: str, deadline: float) -> str:
        """The hash, with its parameters and salt in it.

        Raises PasswordTooShort; HashingBusy where it cannot begin before `deadline` (seconds of
        the monotonic clock).
        """
        if len(password) < self._min_length:
            raise PasswordTooShort(self._min_length)
        return self._run(lambda: self._hasher.hash(password), deadline)

    def _run(self, work: Callable[[], Result], deadline: float) -> Result:
        """The result of `work`. Raises HashingBusy where it could not begin before the deadline."""
        begun = threading.Event()

        def placed() -> Result:
            with self._places.occupied(deadline):
                begun.set()
                return work()

        future = self._threads.submit(placed)
        wait([future], timeout=deadline - time.monotonic())
        if future.cancel() or not (begun.is_set() or future.done()):
            raise HashingBusy
        return future.result()
