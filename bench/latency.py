"""Latency at half of the highest rate, of ours and, at the same rate, of the Flask no-op."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench import openloop
from bench.openloop import Latency
from bench.rounds import Effort, Entrant, Say


@dataclass(frozen=True)
class Latencies:
    """Of one entrant at one rate, one of each round; the numbers are medians of the rounds."""

    entrant: str
    asked: float
    rounds: tuple[Latency, ...]

    @property
    def rate(self) -> float:
        return statistics.median(one.rate for one in self.rounds)

    @property
    def p50(self) -> float:
        return statistics.median(one.p50 for one in self.rounds)

    @property
    def p99(self) -> float:
        return statistics.median(one.p99 for one in self.rounds)

    @property
    def worst(self) -> float:
        return max(one.worst for one in self.rounds)


def measure(entrants: Sequence[tuple[Entrant, float]], effort: Effort, say: Say) -> list[Latencies]:
    """Of each entrant at its rate, in rounds."""
    found: dict[str, list[Latency]] = {entrant.name: [] for entrant, _ in entrants}
    for number in range(1, effort.rounds + 1):
        for entrant, rate in entrants:
            with entrant.start() as running:
                if effort.warm_up:
                    openloop.run(running[0].url, rate, 1)
                one = openloop.run(running[0].url, rate, effort.seconds)
            found[entrant.name].append(one)
            say(f"{number}: {entrant.name} at {one.rate:,.0f}/s: p99 {one.p99:.1f} ms")
    return [Latencies(entrant.name, rate, tuple(found[entrant.name])) for entrant, rate in entrants]
