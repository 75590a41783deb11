"""Exposition of metrics in Prometheus's text format. See `registry` for when to import this."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service_kit.metrics.gauge import Gauge, Value
from service_kit.metrics.multiprocess import VARIABLE


def collect(registry: CollectorRegistry) -> Iterable[Metric]:
    """The metrics of `registry`, summed over all processes where these share files."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return registry.collect()
    # A file is empty for the moment in which a worker makes it.
    files = [str(file) for file in Path(folder).glob("*.db") if file.stat().st_size]
    summed: Iterable[Metric] = MultiProcessCollector.merge(files)
    return summed


def families(gauges: Sequence[Gauge], values: Mapping[Gauge, Value]) -> Iterator[Metric]:
    """The gauges with their values."""
    for gauge in gauges:
        family = GaugeMetricFamily(gauge.name, gauge.documentation, labels=gauge.labels)
        value = values.get(gauge, {})
        samples = value.items() if isinstance(value, Mapping) else [((), value)]
        for labels, number in samples:
            family.add_metric(labels, number)
        yield family


def text(collector: Collector) -> bytes:
    """All that it collects."""
    return generate_latest(collector)
