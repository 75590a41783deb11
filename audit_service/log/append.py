"""Group commit: requests that arrive together share one transaction, and so one fsync.

There is no writer thread. Whoever gets the lock commits for all who queued until the store
was theirs; the others find their receipts when they get it. Handing work to a thread and back
costs a request ten context switches, which is more than the commit.
"""

import threading
from collections.abc import Iterable, Sequence
from itertools import repeat

from audit_service.events import Event, digest
from audit_service.log.record import Backend, Entry, LogUnavailable, Origin, Page, Receipt, Record

MAX_WAITING = 256


class _Request:
    """One caller's entries, and in the end their receipts or what went wrong.

    `turn` is released once: when it is settled, or when its caller is to commit.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.receipts: Sequence[Receipt] | None = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    @property
    def settled(self) -> bool:
        return self.receipts is not None or self.error is not None


class EventLog:
    """The event log of this process. Safe for any number of threads."""

    def __init__(self, backend: Backend, *, patience: float = 5.0) -> None:
        """`patience`: seconds that `append` waits at most for its turn to commit."""
        self._backend = backend
        self._patience = patience
        self._lock = threading.Lock()  # over the two below
        self._queue: list[_Request] = []
        self._somebody_commits = False

    def append(
        self, events: Sequence[Event], origins: Iterable[Origin | None] = repeat(None)
    ) -> Sequence[Receipt]:
        """Store the events, all or none, and return a receipt for each, in their order.

        `origins`: where each of them is from, as many as there are events, or more.

        MUST NOT return before the commit is on disk.
        Raises LogUnavailable where that cannot be had now.
        """
        if not events:
            return []
        pairs = zip(events, origins, strict=False)
        request = _Request([Entry(event, digest(event), origin) for event, origin in pairs])
        if not self._is_first(request):
            self._wait_for_turn(request)
        if not request.settled:
            self._commit_all_waiting()
        return _receipts_of(request)

    def newest(self, before: int | None, limit: int, budget: int) -> Page:
        """See Backend."""
        return self._backend.newest(before, limit, budget)

    def get(self, position: int) -> Record | None:
        """See Backend."""
        return self._backend.get(position)

    def ping(self) -> None:
        """See Backend."""
        self._backend.ping()

    def close(self) -> None:
        """See Backend."""
        self._backend.close()

    def _is_first(self, request: _Request) -> bool:
        """Queue it; whether its caller is to commit, since nobody else does."""
        with self._lock:
            if len(self._queue) >= MAX_WAITING:
                raise LogUnavailable("too many requests wait to commit")
            self._queue.append(request)
            first = not self._somebody_commits
            self._somebody_commits = True
        return first

    def _wait_for_turn(self, request: _Request) -> None:
        if request.turn.acquire(timeout=self._patience):
            return
        with self._lock:
            if request.turn.acquire(blocking=False):
                return  # It came at the last moment.
            if request in self._queue:  # else somebody is committing it already
                self._queue.remove(request)
        raise LogUnavailable("waited too long for its turn to commit")

    def _pass_on(self) -> None:
        """Let the first of those who queued meanwhile commit next."""
        with self._lock:
            self._somebody_commits = bool(self._queue)
            if self._queue:
                self._queue[0].turn.release()

    def _commit_all_waiting(self) -> None:
        requests: list[_Request] = []

        def take() -> Sequence[Entry]:
            with self._lock:
                requests.extend(self._queue)
                self._queue.clear()
            return [entry for request in requests for entry in request.entries]

        try:
            _settle(requests, self._backend.commit(take))
        except BaseException as error:
            take()
            for request in requests:
                request.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            # The next to commit first, so that the disk works while the others answer.
            self._pass_on()
            for request in requests:
                request.turn.release()


def _settle(requests: Sequence[_Request], receipts: Sequence[Receipt]) -> None:
    at = 0
    for request in requests:
        request.receipts = receipts[at : at + len(request.entries)]
        at += len(request.entries)


def _receipts_of(request: _Request) -> Sequence[Receipt]:
    if request.receipts is None:
        reason = request.error
        if isinstance(reason, LogUnavailable):
            raise LogUnavailable(str(reason)) from reason
        raise RuntimeError("the commit failed") from reason
    return request.receipts
