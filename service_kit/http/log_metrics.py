"""Lost log lines as a metric, which whoever logs must not be held up to count."""

import threading

from service_kit import logs
from service_kit.metrics.registry import Metrics


class LostLines:
    """Counts the log lines that this process loses. Safe for any number of threads."""

    def __init__(self, metrics: Metrics) -> None:
        self._increase = metrics.counter(
            "log_lines_lost_total",
            "Log lines that could not be written, or came faster than they are read",
        ).inc
        # Of them those that are counted. `_counting` guards it.
        self._counted = 0
        self._counting = threading.Lock()

    def count(self) -> None:
        """Count those that were lost since it was called last."""
        if logs.lost_lines() == self._counted:
            return
        with self._counting:
            lost = logs.lost_lines()
            self._increase(lost - self._counted)
            self._counted = lost
