"""Token cache: few looks at the store, and none that is too old."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TokenCache, TokensUnavailable
from service_kit.concurrency import run_here
from tests.support.manual_clock import ManualClock

R = TypeVar("R")


class Away(Exception):
    pass


class Store:
    """A store that counts the looks at it."""

    def __init__(self) -> None:
        self.tokens: list[StoredToken] = []
        self.looks = 0
        self.is_away = False
        self.seconds = 0.0
        self.clock = ManualClock()
        self.now = 100
        self.cache = TokenCache(
            self.load, run_here, (Away,), clock=self.clock, now=lambda: self.now
        )

    def load(self) -> Sequence[StoredToken]:
        self.looks += 1
        self.clock.now += self.seconds
        if self.is_away:
            raise Away
        return self.tokens

    def finds(self, digest: bytes = b"a") -> bool:
        return self.cache.find(digest) is not None


def token(digest: bytes = b"a", expires_at: int | None = None) -> StoredToken:
    return StoredToken("n", digest, frozenset({"s"}), (), 0, expires_at)


@pytest.fixture
def store() -> Store:
    return Store()


def test_the_store_is_looked_at_once_a_second_at_most(store: Store) -> None:
    store.tokens = [token()]
    for _ in range(10):
        assert store.finds()
    assert store.looks == 1
    store.tokens = []
    store.clock.now += 0.9
    assert store.finds()
    store.clock.now += 0.1
    assert not store.finds()
    assert store.looks == 2


def test_what_has_expired_is_so_at_once(store: Store) -> None:
    store.tokens = [token(expires_at=101)]
    assert store.finds()
    store.now = 101
    assert not store.finds()
    assert store.looks == 1


def test_a_store_that_is_away_for_a_moment_ends_nothing(store: Store) -> None:
    store.tokens = [token()]
    assert store.finds()
    store.is_away = True
    store.clock.now += 1.9
    assert store.finds()
    store.clock.now += 0.1
    with pytest.raises(TokensUnavailable):
        store.finds()
    store.is_away = False
    store.clock.now += 1
    assert store.finds()


def test_a_look_that_takes_long_makes_nothing_fresh(store: Store) -> None:
    store.tokens = [token()]
    assert store.finds()
    store.clock.now += 1.5
    store.seconds = 5
    store.is_away = True
    with pytest.raises(TokensUnavailable):
        store.finds()
    store.is_away = False
    with pytest.raises(TokensUnavailable):
        store.finds()


def test_a_store_that_is_away_is_asked_once_a_second(store: Store) -> None:
    store.is_away = True
    for _ in range(10):
        with pytest.raises(TokensUnavailable):
            store.finds()
    assert store.looks == 1


def test_those_who_wait_for_a_look_take_what_it_found() -> None:
    looks: list[int] = []
    gate = threading.Barrier(20)
    lock = threading.Lock()

    def load() -> list[StoredToken]:
        looks.append(1)
        time.sleep(0.05)
        return [token()]

    def run(call: Callable[[], R]) -> R:
        with lock:
            return call()

    cache = TokenCache(load, run, ())

    def find() -> None:
        gate.wait()
        assert cache.find(b"a") is not None

    with ThreadPoolExecutor(20) as pool:
        for each in [pool.submit(find) for _ in range(20)]:
            each.result(10)
    assert len(looks) == 1


def test_without_a_look_nobody_is_known(store: Store) -> None:
    store.is_away = True
    with pytest.raises(TokensUnavailable):
        store.finds()
