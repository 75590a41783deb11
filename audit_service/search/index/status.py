"""Status of an index: how far it came behind the log."""

from typing import Any, Final

from audit_service.log import Backend, LogUnavailable
from audit_service.search.index.reader import SearchIndex
from service_kit import sqlite_file
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics

LAG: Final = Gauge("audit_service_index_lag_events", "Events of the log that the index lacks")


class IndexStatus:
    """What is reported of an index."""

    def __init__(self, log: Backend, index: SearchIndex, path: str | None) -> None:
        self._log = log
        self._index = index
        self._path = path

    def report(self) -> dict[str, Any]:
        """Its position, how many events it lacks, and its bytes. Raises LogUnavailable."""
        mark = self._index.mark()
        position = mark.position if mark else 0
        return {
            "usable": mark is not None,
            "position": position,
            "lag": self._log.last() - position,
            "bytes": 0 if self._path is None else sqlite_file.size(self._path),
        }

    def readiness(self) -> dict[str, Any]:
        """The same, or that it is not known: it decides nothing."""
        try:
            return self.report()
        except LogUnavailable:
            return {"usable": False}

    def show(self, metrics: Metrics) -> None:
        """Add its lag to the metrics."""
        metrics.gauges([LAG], lambda: {LAG: self.report()["lag"]})
