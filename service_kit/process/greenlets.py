"""Greenlets as concurrency: requests take turns in one thread, and what blocks has others.

Nothing is patched: a call that blocks goes through a runner, or holds up all requests.
"""

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import NoReturn, TypeVar

from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool

from service_kit.concurrency import Runner
from service_kit.process import turns

R = TypeVar("R")


class Greenlets:
    """Concurrency (see there) of the greenlets of this thread."""

    def runner(self, at_once: int) -> Runner:
        """Runs calls in as many native threads."""
        pool = ThreadPool(at_once)

        def run(call: Callable[[], R], /) -> R:
            outcome: Callable[[], R] = pool.apply(copy_context().run, (_attempt, call))
            try:
                return outcome()
            finally:
                # See _raise.
                del outcome

        return run

    def signal(self) -> Semaphore:
        """A semaphore for greenlets."""
        return Semaphore(0)

    def let_others_go_first(self) -> None:
        """Let whoever has something to read from a socket read it."""
        turns.let_others_go_first()


def _attempt(call: Callable[[], R]) -> Callable[[], R]:
    """What returns or raises what the call does; the pool would print what it raises."""
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - of whatever kind
        return partial(_raise, error)
    return lambda: result


def _raise(error: Exception) -> NoReturn:
    """MUST leave no frame of its traceback that has it: in such a circle all that its frames have,
    the body of a request for one, would stay until the next collection.
    """
    try:
        raise error
    finally:
        del error
