"""Where librdkafka logs: with all other lines, and not the same trouble twenty times a second."""

import logging
import threading
import time

NAME = "librdkafka"
QUIET_SECONDS = 30.0


class _Seldom(logging.Filter):
    """Lets one line of a kind through in QUIET_SECONDS: it tries to connect without end."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # Its facility, FAIL or ERROR or the like, comes first.
        kind = record.getMessage().partition(" ")[0]
        at = time.monotonic()
        with self._lock:
            if at - self._last.get(kind, -QUIET_SECONDS) < QUIET_SECONDS:
                return False
            self._last[kind] = at
        return True


def logger() -> logging.Logger:
    """What a client of librdkafka is to be given as its `logger`; its lines come out in poll()."""
    found = logging.getLogger(NAME)
    if not any(isinstance(each, _Seldom) for each in found.filters):
        found.addFilter(_Seldom())
    return found
