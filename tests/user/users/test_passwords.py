"""Hashing of passwords: the hash, the bound on concurrency, the memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from user_service.users.hashing_places import HashingBusy
from user_service.users.passwords import Passwords

CORES = os.cpu_count() or 1
MEMORY_KIB = 19456
PATIENCE_SECONDS = 30


def _passwords(iterations: int = 1, memory_kib: int = 8) -> Passwords:
    return Passwords(memory_kib=memory_kib, iterations=iterations)


def _later(seconds: float = PATIENCE_SECONDS) -> float:
    return time.monotonic() + seconds


def test_a_hash_is_of_its_password_and_of_no_other() -> None:
    passwords = _passwords()
    kept = passwords.hash("12345", _later())
    assert kept.startswith("$argon2id$")
    assert PasswordHasher().verify(kept, "12345")
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(kept, "123456")


@contextmanager
def _all_at_work(passwords: Passwords) -> Iterator[None]:
    """As many hashes as there are cores, anew whenever one is done."""
    done = False

    def work() -> None:
        while not done:
            passwords.hash("12345", _later())

    with ThreadPoolExecutor(CORES) as threads:
        working = [threads.submit(work) for _ in range(CORES)]
        try:
            yield
        finally:
            done = True
        for each in working:
            each.result()


def test_a_hash_that_cannot_begin_in_time_is_refused_and_the_others_succeed() -> None:
    passwords = _passwords(iterations=20, memory_kib=MEMORY_KIB)

    def refused() -> bool:
        began = time.monotonic()
        try:
            passwords.hash("12345", _later(0.01))
        except HashingBusy:
            return time.monotonic() - began < 1
        return False

    with _all_at_work(passwords):
        deadline = _later()
        while not refused():
            assert time.monotonic() < deadline


_HASH_IN_MANY_THREADS = f"""
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from user_service.users.passwords import Passwords

def kib():
    return int(open("/proc/self/statm").read().split()[1]) * 4

passwords = Passwords(memory_kib={MEMORY_KIB}, iterations=1)
barrier = Barrier({8 * CORES})

def work():
    for _ in range(3):
        barrier.wait()
        passwords.hash("12345", time.monotonic() + {PATIENCE_SECONDS})

before = kib()
with ThreadPoolExecutor({8 * CORES}) as threads:
    working = [threads.submit(work) for _ in range({8 * CORES})]
    [each.result() for each in working]
    print(kib() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_of_hashing_is_bounded_by_the_cores_and_not_by_its_callers() -> None:
    command = [sys.executable, "-c", _HASH_IN_MANY_THREADS]
    kept = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert kept < 3 * CORES * MEMORY_KIB
