"""Group commit: calls that come together share one transaction, and so one fsync.

The first that waits (the leader) commits every queued item; the others wait for its result. Among
threads there is no writer thread: to hand work to one and back costs a request ten context
switches, which is more than the commit. Greenlets hand it over once a commit.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from service_kit.concurrency import THREADS, Concurrency, Signal

# More are a burst that is better told to come again.
MAX_WAITING = 1024
GATHER_TURNS = 4

A = TypeVar("A")
R = TypeVar("R")

Drain = Callable[[], Sequence[A]]
"""Takes every item that is queued by now; called by a commit once nobody else can write.

Called again, after a fault, it gives the same items, and then those that were queued since.
"""


class QueueTimeout(Exception):
    """The item was not committed in time and never will be: nothing was done."""


class OutcomeUnknown(Exception):
    """The item may have been committed or not. The cause says why; without one, a time-out."""


class _Call(Generic[A, R]):
    """One caller's item, and in the end its result or what went wrong.

    Owned by its caller, except `done` and `error`, which are owned by the leader until it
    releases `wake`.
    """

    def __init__(self, item: A, wake: Signal) -> None:
        self.item = item
        self.done: tuple[R] | None = None
        self.error: BaseException | None = None
        # Released once: when the call is settled, or when its caller is to be the leader.
        self.wake = wake

    @property
    def settled(self) -> bool:
        return self.done is not None or self.error is not None


class GroupCommit(Generic[A, R]):
    """Queue of items that are committed together. Safe for all callers of one concurrency."""

    def __init__(
        self,
        commit: Callable[[Drain[A]], Sequence[R]],
        *,
        timeout: float,
        outcome_timeout: float | None = None,
        concurrency: Concurrency = THREADS,
    ) -> None:
        """`commit`: returns a result for each item that it drains, in their order; called by one
        thread at a time.

        `concurrency`: of the callers.

        `timeout`: seconds that a call waits in the queue at most; `outcome_timeout`: seconds that
        it waits for the outcome beyond that once it was drained, as many where it is None.
        """
        self._commit = commit
        self._concurrency = concurrency
        self._run = concurrency.runner(1)
        self._timeout = timeout
        self._outcome_timeout = timeout if outcome_timeout is None else outcome_timeout
        # Guards the two fields below, and who is woken. Never held during a commit, nor while
        # anything is waited for: a greenlet that gave way with it would stop all others.
        self._lock = threading.Lock()
        # Calls that no commit has drained, the oldest first. The next leader is the first.
        self._queue: list[_Call[A, R]] = []
        # Whether there is a leader: it is in `_commit`, or was woken to be.
        self._has_leader = False

    @property
    def queued(self) -> int:
        """Calls that no commit has drained yet."""
        return len(self._queue)

    def __call__(self, item: A) -> R:
        """The result, after the commit. Raises QueueTimeout, OutcomeUnknown."""
        call: _Call[A, R] = _Call(item, self._concurrency.signal())
        if not self._enqueue(call):
            self._wait(call)
        if not call.settled:
            self._lead(call)
        if call.done is None:
            raise OutcomeUnknown from call.error
        return call.done[0]

    def _enqueue(self, call: _Call[A, R]) -> bool:
        """Queue the call; whether its caller is the leader, since no other is."""
        with self._lock:
            if len(self._queue) >= MAX_WAITING:
                raise QueueTimeout("too many requests wait to commit")
            self._queue.append(call)
            leads = not self._has_leader
            self._has_leader = True
        return leads

    def _wait(self, call: _Call[A, R]) -> None:
        """Return once the call is settled, or its caller is the leader."""
        if call.wake.acquire(timeout=self._timeout):
            return
        with self._lock:
            if call.wake.acquire(blocking=False):
                return  # It was woken at the last moment.
            if call in self._queue:
                self._queue.remove(call)
                raise QueueTimeout("waited too long for its turn to commit")
        # A leader has drained it: that nothing was done would not be true.
        if not call.wake.acquire(timeout=self._outcome_timeout):
            raise OutcomeUnknown

    def _pass_leadership(self) -> None:
        """Wake the oldest call that was queued meanwhile, to lead the next commit."""
        with self._lock:
            self._has_leader = bool(self._queue)
            if self._queue:
                self._queue[0].wake.release()

    def _gather(self) -> None:
        """Have whoever is ready queue before the commit begins, rather than wait for the next."""
        queued = 0
        for _ in range(GATHER_TURNS):
            self._concurrency.let_others_go_first()
            if queued == (queued := len(self._queue)):
                return

    def _lead(self, own: _Call[A, R]) -> None:
        """Commit every queued item and settle its call. Called by the leader only."""
        calls: list[_Call[A, R]] = []

        def drain() -> Sequence[A]:
            with self._lock:
                calls.extend(self._queue)
                self._queue.clear()
            return [call.item for call in calls]

        try:
            self._gather()
            results = self._run(lambda: self._commit(drain))
            for call, result in zip(calls, results, strict=True):
                call.done = (result,)
        except BaseException as error:
            if not calls:
                # It failed before it drained any: only its own call fails, the others try again.
                with self._lock:
                    self._queue.remove(own)
                calls.append(own)
            for call in calls:
                call.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            # The next leader first, so that the disk works while the others answer.
            self._pass_leadership()
            for call in calls:
                call.wake.release()
