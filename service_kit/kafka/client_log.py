"""Log of librdkafka: among all other lines, and not the same trouble twenty times a second."""

import logging
import threading
import time
from typing import Final

NAME: Final = "librdkafka"
QUIET_SECONDS: Final = 30.0


class RateLimit(logging.Filter):
    """Lets one line of a kind through in `quiet_seconds`: librdkafka reconnects without end."""

    def __init__(self, quiet_seconds: float = QUIET_SECONDS) -> None:
        super().__init__()
        self._quiet_seconds = quiet_seconds
        self._lock = threading.Lock()
        # When a line of each kind was last let through, by the monotonic clock. `_lock` guards it.
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # The facility, FAIL or ERROR or the like, comes first.
        kind = record.getMessage().partition(" ")[0]
        at = time.monotonic()
        with self._lock:
            last = self._last.get(kind)
            if last is not None and at - last < self._quiet_seconds:
                return False
            self._last[kind] = at
        return True


def logger() -> logging.Logger:
    """The `logger` for a client of librdkafka, which logs within the client's poll()."""
    shared = logging.getLogger(NAME)
    if not any(isinstance(each, RateLimit) for each in shared.filters):
        shared.addFilter(RateLimit())
    return shared
