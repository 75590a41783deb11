"""Passwords are kept as argon2id hashes, by the parameters that OWASP recommends."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError


class HashingBusy(Exception):
    """Too many passwords wait to be hashed for this one to have its turn in time."""


class Passwords:
    """Hashes passwords, no more at once than there are cores: each takes memory and a core."""

    def __init__(self, *, memory_kib: int, iterations: int) -> None:
        self._hasher = PasswordHasher(time_cost=iterations, memory_cost=memory_kib, parallelism=1)
        self._turns = threading.BoundedSemaphore(os.cpu_count() or 1)

    def hash(self, password: str, deadline: float) -> str:
        """The hash, with its parameters and salt in it.

        Raises HashingBusy where its turn does not come before `deadline` (monotonic, seconds).
        """
        with self._turn(deadline):
            return self._hasher.hash(password)

    def verify(self, password_hash: str, password: str, deadline: float) -> bool:
        """Whether the hash is of that password. Raises HashingBusy, as `hash` does."""
        with self._turn(deadline):
            try:
                return self._hasher.verify(password_hash, password)
            except VerifyMismatchError:
                return False

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        if not self._turns.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise HashingBusy
        try:
            yield
        finally:
            self._turns.release()
