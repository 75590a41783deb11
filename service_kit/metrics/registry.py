"""Registry of an application's metrics, exposed in the text format of Prometheus.

The library chooses where values are kept as it is imported: in this process, or in files that
all workers of a service share (`multiprocess`). So it MUST be imported in a worker at the
earliest, and not with this module, which the command line imports before there are workers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from service_kit.metrics import multiprocess
from service_kit.metrics.gauge import Gauge, Read, Value

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram, Metric

log = structlog.get_logger()


class Metrics:
    """The metrics of one application. Safe for any number of threads.

    Counters and histograms are summed over all workers of a service, those that died included.
    A gauge is read by the worker that is scraped, so it MUST be of more than this worker.
    """

    def __init__(self) -> None:
        with multiprocess.room_for_values():
            from prometheus_client import CollectorRegistry, disable_created_metrics

        # Files cannot keep these series. The same ones come out wherever values are kept.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._gauges: list[tuple[Sequence[Gauge], Read]] = []

    def counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> "Counter":
        """A new counter. Raises ValueError where there is one of the name."""
        from prometheus_client import Counter

        return Counter(name, documentation, labels, registry=self._registry)

    def histogram(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float],
    ) -> "Histogram":
        """A new histogram. `buckets`: upper bounds, rising; the infinite one is added.

        Raises ValueError where there is one of the name.
        """
        from prometheus_client import Histogram

        return Histogram(name, documentation, labels, registry=self._registry, buckets=buckets)

    def gauges(self, gauges: Sequence[Gauge], read: Read) -> None:
        """Add gauges; `read` is called at each scrape.

        It MUST be quick. It returns the value of each gauge; one that it leaves out has none
        now. Where it raises, the gauges are shown without values and the reason is logged.
        """
        self._gauges.append((gauges, read))

    def collect(self) -> "Iterator[Metric]":
        """Every metric as it is now; the library calls it on a collector."""
        from service_kit.metrics import exposition

        yield from exposition.collect(self._registry)
        for gauges, read in self._gauges:
            yield from exposition.families(gauges, _values(gauges, read))

    def text(self) -> bytes:
        """All of it in the text format."""
        from service_kit.metrics import exposition

        return exposition.text(self)


def _values(gauges: Sequence[Gauge], read: Read) -> Mapping[Gauge, Value]:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever is raised, the other metrics are shown
        names = [gauge.name for gauge in gauges]
        log.warning("gauges cannot be read", gauges=names, reason=type(error).__name__)
        return {}
