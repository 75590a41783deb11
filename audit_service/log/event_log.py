"""Appending, as the rest of the service does it: requests that come together share a commit."""

from collections.abc import Iterable, Sequence
from itertools import chain, islice, repeat

from audit_service.events import Event, digest
from audit_service.log.backend import Backend, Entry, LogUnavailable, Origin, Page, Receipt, Record
from service_kit.group_commit import Drain, GroupCommit, OutcomeUnknown, QueueTimeout


class EventLog:
    """The event log of this process. Safe for any number of threads."""

    def __init__(self, backend: Backend, *, timeout: float = 5.0) -> None:
        """`timeout`: seconds that `append` waits at most for its turn to commit."""
        self._backend = backend
        self._commit = GroupCommit(self._commit_all, timeout=timeout)

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
        try:
            return self._commit([Entry(event, digest(event), origin) for event, origin in pairs])
        except QueueTimeout as error:
            raise LogUnavailable(str(error)) from error
        except OutcomeUnknown as error:
            reason = error.__cause__
            if reason is None or isinstance(reason, LogUnavailable):
                raise LogUnavailable(str(reason or "the commit takes too long")) from reason
            raise RuntimeError("the commit failed") from reason

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

    def _commit_all(self, drain: Drain[Sequence[Entry]]) -> Sequence[Sequence[Receipt]]:
        sizes: list[int] = []

        def entries() -> Sequence[Entry]:
            queued = drain()
            sizes[:] = [len(each) for each in queued]
            return list(chain.from_iterable(queued))

        receipts = iter(self._backend.commit(entries))
        return [list(islice(receipts, size)) for size in sizes]
