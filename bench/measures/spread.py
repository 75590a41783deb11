"""Spread: a number that was measured once a round."""

import math
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The values of all rounds, in their order."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def over(self, other: "Spread") -> "Spread":
        """The ratio within each round, where both were measured in the same rounds."""
        pairs = zip(self.values, other.values, strict=True)
        return Spread(tuple(a / b if b else math.nan for a, b in pairs))

    def text(self, digits: int = 0) -> str:
        """The median, and in brackets the lowest and the highest where they were several."""
        median, low, high = (f"{n:,.{digits}f}" for n in (self.median, self.low, self.high))
        return median if len(self.values) == 1 else f"{median} ({low} to {high})"
