"""Gauges: metrics whose values are read at each scrape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Gauge:
    """A metric that is read at each scrape."""

    name: str
    documentation: str
    labels: tuple[str, ...] = ()


Value = float | Mapping[tuple[str, ...], float]
"""A gauge's value: a number; with labels, a number for each combination of their values."""

Read = Callable[[], Mapping[Gauge, Value]]
