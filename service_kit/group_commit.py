"""Group commit: calls that come together share one transaction, and so one fsync.

There is no writer thread. Whoever gets the turn commits for all who queued until the store was
theirs; the others find their results when they get it. Handing work to a thread and back
costs a request ten context switches, which is more than the commit.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

# More than any server's threads; who comes then would wait longer than the timeout.
MAX_WAITING = 256

A = TypeVar("A")
R = TypeVar("R")

Drain = Callable[[], Sequence[A]]
"""What a commit calls, once nobody else can write, for all that is asked by then.

Called again, after a fault, it gives the same, and then what was asked since.
"""


class QueueTimeout(Exception):
    """Its turn did not come; nothing was done."""


class OutcomeUnknown(Exception):
    """Nothing is known to be done. The cause says why; without one, it takes too long."""


class _Call(Generic[A, R]):
    """What one caller asks, and in the end the result or what went wrong.

    `turn` is released once: when it is settled, or when its caller is to commit.
    """

    def __init__(self, item: A) -> None:
        self.item = item
        self.done: tuple[R] | None = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    @property
    def settled(self) -> bool:
        return self.done is not None or self.error is not None


class GroupCommit(Generic[A, R]):
    """Safe for any number of threads."""

    def __init__(self, commit: Callable[[Drain[A]], Sequence[R]], *, timeout: float) -> None:
        """`commit`: gives a result for each thing asked that it takes, in their order; called by
        one thread at a time. `timeout`: seconds to wait at most for a turn.
        """
        self._commit = commit
        self._timeout = timeout
        self._lock = threading.Lock()  # over the two below
        self._queue: list[_Call[A, R]] = []
        self._somebody_commits = False

    def __call__(self, item: A) -> R:
        """The result, after the commit. Raises QueueTimeout, OutcomeUnknown."""
        call: _Call[A, R] = _Call(item)
        if not self._is_first(call):
            self._wait_for_turn(call)
        if not call.settled:
            self._commit_all_waiting(call)
        if call.done is None:
            raise OutcomeUnknown from call.error
        return call.done[0]

    def _is_first(self, call: _Call[A, R]) -> bool:
        """Queue it; whether its caller is to commit, since nobody else does."""
        with self._lock:
            if len(self._queue) >= MAX_WAITING:
                raise QueueTimeout("too many requests wait to commit")
            self._queue.append(call)
            first = not self._somebody_commits
            self._somebody_commits = True
        return first

    def _wait_for_turn(self, call: _Call[A, R]) -> None:
        if call.turn.acquire(timeout=self._timeout):
            return
        with self._lock:
            if call.turn.acquire(blocking=False):
                return  # It came at the last moment.
            if call in self._queue:
                self._queue.remove(call)
                raise QueueTimeout("waited too long for its turn to commit")
        # Somebody commits it: to be told that nothing was done would not be true.
        if not call.turn.acquire(timeout=self._timeout):
            raise OutcomeUnknown

    def _pass_on(self) -> None:
        """Let the first of those who queued meanwhile commit next."""
        with self._lock:
            self._somebody_commits = bool(self._queue)
            if self._queue:
                self._queue[0].turn.release()

    def _commit_all_waiting(self, own: _Call[A, R]) -> None:
        calls: list[_Call[A, R]] = []

        def drain() -> Sequence[A]:
            with self._lock:
                calls.extend(self._queue)
                self._queue.clear()
            return [call.item for call in calls]

        try:
            results = self._commit(drain)
            for call, result in zip(calls, results, strict=True):
                call.done = (result,)
        except BaseException as error:
            if not calls:
                # It never came to the others: each has a try of its own.
                with self._lock:
                    self._queue.remove(own)
                calls.append(own)
            for call in calls:
                call.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            # The next to commit first, so that the disk works while the others answer.
            self._pass_on()
            for call in calls:
                call.turn.release()
