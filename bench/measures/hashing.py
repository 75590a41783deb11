"""Hashing alone: what no user service that hashes so can exceed on this machine."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from user_service.settings import Settings
from user_service.users.passwords import Passwords

CORES = os.cpu_count() or 1


def floor(hashes: int) -> float:
    """Hashes a second, by one thread alone: cores ÷ CPU seconds of one hash."""
    passwords = _passwords()
    began = time.process_time()
    _hash(passwords, hashes)
    return CORES * hashes / (time.process_time() - began)


def all_at_once(hashes: int) -> float:
    """Hashes a second, by the clock, of as many threads as cores, each so many."""
    passwords = _passwords()
    with ThreadPoolExecutor(CORES) as threads:
        began = time.perf_counter()
        for done in [threads.submit(_hash, passwords, hashes) for _ in range(CORES)]:
            done.result()
        return CORES * hashes / (time.perf_counter() - began)


def _passwords() -> Passwords:
    """With the service's defaults."""
    fields = Settings.model_fields
    return Passwords(
        memory_kib=fields["argon2_memory_kib"].default,
        iterations=fields["argon2_iterations"].default,
    )


def _hash(passwords: Passwords, hashes: int) -> None:
    for _ in range(hashes):
        passwords.hash("12345", time.monotonic() + 60)
