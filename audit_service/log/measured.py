"""A backend whose commits are measured."""

import time
from collections.abc import Callable, Sequence

from audit_service.log.backend import Backend, Drain, Page, Receipt, Record

Committed = Callable[[Sequence[Receipt], float], None]


class Measured:
    """Another backend, and `committed` told of each commit: its receipts, and its seconds."""

    def __init__(self, backend: Backend, committed: Committed) -> None:
        self._backend = backend
        self._committed = committed

    def commit(self, drain: Drain) -> Sequence[Receipt]:
        """See Backend. One that fails is not told of."""
        began = time.perf_counter()
        receipts = self._backend.commit(drain)
        self._committed(receipts, time.perf_counter() - began)
        return receipts

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
