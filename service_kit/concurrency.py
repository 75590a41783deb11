"""Concurrency: how the calls of a process that wait for others share it.

Threads, unless a server answers its requests in greenlets of one thread.
"""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

R = TypeVar("R")


class Signal(Protocol):
    """A lock that is held from the start, and released once."""

    def acquire(self, *, blocking: bool = ..., timeout: float = ...) -> bool:
        """Whether it was released, in so many seconds; without blocking, by now."""
        ...

    def release(self) -> object:
        """Let the one who waits go on."""
        ...


class Runner(Protocol):
    """Runs calls, and returns or raises what they do, without holding up others."""

    def __call__(self, call: Callable[[], R], /) -> R: ...


class Concurrency(Protocol):
    """What waits, and what makes others wait, in a process."""

    def runner(self, at_once: int) -> Runner:
        """Runs calls that wait for the system, or compute for long: so many at once, the others
        after them, whatever other runners do.

        Context variables are those of the caller.
        """
        ...

    def signal(self) -> Signal:
        """A signal for one who waits."""
        ...

    def let_others_go_first(self) -> None:
        """Return once all others that are ready to go on have had their turn."""
        ...


def run_here(call: Callable[[], R], /) -> R:
    """A Runner that runs the call where it is."""
    return call()


class Threads:
    """Concurrency of threads: each may block, and the system gives turns."""

    def runner(self, at_once: int) -> Runner:
        """Runs each call in the thread of its caller, however many these are."""
        del at_once
        return run_here

    def signal(self) -> Signal:
        """A lock."""
        lock = threading.Lock()
        lock.acquire()
        return lock

    def let_others_go_first(self) -> None:
        """Do nothing."""


THREADS = Threads()
