"""Arrivals: who waits for events after a position learns that there are some.

All who wait in a process share one look at the log, a few times a second: of other processes'
events there is no other sign.
"""

import time
from collections.abc import Callable
from typing import Final

from audit_service.log import Backend
from service_kit.concurrency import Concurrency

POLL_SECONDS: Final = 0.2


class Arrivals:
    """The end of the log, for all callers of one concurrency."""

    def __init__(
        self, log: Backend, concurrency: Concurrency, is_over: Callable[[], bool] = lambda: False
    ) -> None:
        """`is_over`: whether nobody is to wait any more."""
        self._log = log
        self._concurrency = concurrency
        self._run = concurrency.runner(1)
        self._is_over = is_over
        self._last = 0
        self._looked_at = float("-inf")

    def wait_beyond(self, position: int, deadline: float) -> bool:
        """Whether there is an event after a position, which it waits for until `deadline`.

        `deadline`: of time.monotonic. Raises LogUnavailable.
        """
        while time.monotonic() < deadline and not self._is_over():
            if self.last() > position:
                return True
            left = deadline - time.monotonic()
            self._concurrency.signal().acquire(timeout=max(0.0, min(POLL_SECONDS, left)))
        return False

    def last(self) -> int:
        """The last position, as it was a moment ago. Raises LogUnavailable."""
        now = time.monotonic()
        if now - self._looked_at >= POLL_SECONDS / 2:
            # Before it looks: others that come meanwhile need not look, too.
            self._looked_at = now
            self._last = self._run(self._log.last)
        return self._last
