"""Greenlets as concurrency: requests take turns in one thread, and what blocks has others.

Nothing is patched: a call that blocks goes through `run_blocking`, or holds up all requests.
"""

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import NoReturn, TypeVar

import gevent
from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool

from service_kit.concurrency import Runner

R = TypeVar("R")


class Greenlets:
    """Concurrency (see there) of the greenlets of this thread."""

    def __init__(self, threads: int) -> None:
        """`threads`: how many blocking calls run at once; the others wait for their turn."""
        self.run_blocking = _threads(threads)

    def one_at_a_time(self) -> Runner:
        """Runs calls in a thread of their own."""
        return _threads(1)

    def signal(self) -> Semaphore:
        """A semaphore for greenlets."""
        return Semaphore(0)

    def let_others_go_first(self) -> None:
        """Let whoever has something to read from a socket read it."""
        gevent.sleep(0)


def _threads(number: int) -> Runner:
    pool = ThreadPool(number)

    def run(call: Callable[[], R], /) -> R:
        outcome: Callable[[], R] = pool.apply(copy_context().run, (_attempt, call))
        return outcome()

    return run


def _attempt(call: Callable[[], R]) -> Callable[[], R]:
    """What returns or raises what the call does; the pool would print what it raises."""
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - of whatever kind
        return partial(_raise, error)
    return lambda: result


def _raise(error: Exception) -> NoReturn:
    raise error
