"""Gauges: metrics whose values are read when they are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Gauge:
    """Something that is read when it is asked for."""

    name: str
    documentation: str
    labels: tuple[str, ...] = ()


Value = float | Mapping[tuple[str, ...], float]
"""A gauge's: a number, or where it has labels, a number for each combination of their values."""

Read = Callable[[], Mapping[Gauge, Value]]
