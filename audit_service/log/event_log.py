"""Event log: appends, where requests that arrive together share a commit."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Final

from audit_service.events import Event, digest
from audit_service.log.backend import (
    Backend,
    DiskFull,
    Entry,
    LogUnavailable,
    Origin,
    Receipt,
)
from service_kit import disk_reserve
from service_kit.concurrency import THREADS, Concurrency
from service_kit.disk_reserve import HasRoom
from service_kit.group_commit import Drain, GroupCommit, OutcomeUnknown, QueueTimeout

EVENT_BYTES: Final = 1024
"""About what an event takes on the disk beside its data."""
COMMIT_EVENTS: Final = 1000
COMMIT_BYTES: Final = 1024 * 1024
"""The most of one call in a commit, if it is more than one event: others wait for its end."""

OnCommit = Callable[[Sequence[Receipt], float], None]
"""Called with the receipts of a commit and its seconds."""


class EventLog:
    """Appends to a backend for this process. Safe for all callers of one concurrency."""

    def __init__(
        self,
        backend: Backend,
        *,
        timeout: float = 5.0,
        on_commit: OnCommit | None = None,
        has_room: HasRoom = disk_reserve.always,
        concurrency: Concurrency = THREADS,
    ) -> None:
        """`timeout`: seconds that `append` waits at most for its turn to commit.

        `on_commit` is called after each commit that succeeded, in the thread that committed.
        `has_room` is asked before events are queued; `concurrency`: of those who append.
        """
        self._backend = backend
        self._on_commit = on_commit
        self._has_room = has_room
        self._commit = GroupCommit(self._commit_all, timeout=timeout, concurrency=concurrency)

    @property
    def queued(self) -> int:
        """Calls that wait for a commit and that none has taken up yet."""
        return self._commit.queued

    def append(
        self, events: Sequence[Event], origins: Iterable[Origin | None] = repeat(None)
    ) -> Sequence[Receipt]:
        """Store the events, as `append_entries` does; `origins`: see `hashed`."""
        return self.append_entries(hashed(events, origins))

    def append_entries(
        self, entries: Sequence[Entry], *, in_reserve: bool = False
    ) -> Sequence[Receipt]:
        """Store the events, and return a receipt for each, in their order; `in_reserve`: on a disk
        that is full up to its reserve, too.

        Many are stored in several commits, between which others have theirs. MUST NOT return
        before all are on disk. Raises LogUnavailable where that cannot be had now, DiskFull: some
        may be stored then, the first ones; appended again, they are duplicates.
        """
        if not entries:
            return []
        if not in_reserve and not self._has_room(_size_of(entries)):
            raise DiskFull("the disk is full up to its reserve")
        return [receipt for part in _parts(entries) for receipt in self._append_part(part)]

    def _append_part(self, entries: Sequence[Entry]) -> Sequence[Receipt]:
        try:
            return self._commit(entries)
        except QueueTimeout as error:
            raise LogUnavailable(str(error)) from error
        except OutcomeUnknown as error:
            reason = error.__cause__
            if reason is None or isinstance(reason, LogUnavailable):
                raise LogUnavailable(str(reason or "the commit takes too long")) from reason
            raise RuntimeError("the commit failed") from reason

    def _commit_all(self, drain: Drain[Sequence[Entry]]) -> Sequence[Sequence[Receipt]]:
        sizes: list[int] = []

        def entries() -> Sequence[Entry]:
            queued = drain()
            sizes[:] = [len(each) for each in queued]
            return list(chain.from_iterable(queued))

        began = time.perf_counter()
        receipts = self._backend.commit(entries)
        if self._on_commit is not None:
            self._on_commit(receipts, time.perf_counter() - began)
        each = iter(receipts)
        return [list(islice(each, size)) for size in sizes]


def hashed(
    events: Sequence[Event],
    origins: Iterable[Origin | None] = repeat(None),
    sender: str | None = None,
) -> Sequence[Entry]:
    """The events as they are appended; to hash many takes a while.

    `origins`: where each of them is from, as many as there are events, or more; `sender`: of all.
    """
    return [Entry(e, digest(e), origin, sender) for e, origin in zip(events, origins, strict=False)]


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in parts, each as many as one commit may have of them."""
    begin = size = 0
    for end, entry in enumerate(entries):
        length = len(entry.event.data or b"")
        if end > begin and (end - begin == COMMIT_EVENTS or size + length > COMMIT_BYTES):
            yield entries[begin:end]
            begin, size = end, 0
        size += length
    if begin < len(entries):
        yield entries[begin:]


def _size_of(entries: Sequence[Entry]) -> int:
    return sum(EVENT_BYTES + len(entry.event.data or b"") for entry in entries)
