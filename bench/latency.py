"""Latency at half of the highest rate, of ours and, at the same rate, of the Flask no-op."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import openloop
from bench.openloop import Latency
from bench.processes import Running
from bench.rounds import Effort, Entrant, Say, Spread
from bench.usage import so_far, workers


@dataclass(frozen=True)
class Latencies:
    """Of one entrant at one rate, one of each round; the numbers are medians of the rounds.

    `cores`: processor time a second of the workers; `generator`: of who sends.
    """

    entrant: str
    asked: float
    rounds: tuple[Latency, ...]
    cores: Spread
    generator: Spread

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
    found: dict[str, list[_Round]] = {entrant.name: [] for entrant, _ in entrants}
    for number in range(1, effort.rounds + 1):
        for entrant, rate in entrants:
            one = _measured(entrant, rate, effort)
            found[entrant.name].append(one)
            latency = one.latency
            say(f"{number}: {entrant.name} at {latency.rate:,.0f}/s: p99 {latency.p99:.1f} ms")
    return [_all(entrant.name, rate, found[entrant.name]) for entrant, rate in entrants]


@dataclass(frozen=True)
class _Round:
    latency: Latency
    cores: float
    generator: float


def _measured(entrant: Entrant, rate: float, effort: Effort) -> _Round:
    with entrant.start() as running:
        if effort.warm_up:
            openloop.run(running[0].url, rate, 1)
        before, own = _seconds(running), time.process_time()
        latency = openloop.run(running[0].url, rate, effort.seconds)
        theirs, own = _seconds(running) - before, time.process_time() - own
    return _Round(latency, theirs / effort.seconds, own / effort.seconds)


def _seconds(running: Sequence[Running]) -> float:
    """Of processor time, of the first server's workers; 0 where the system has no /proc."""
    usage = so_far(running).get(workers(running[0]))
    return usage.seconds if usage else 0.0


def _all(entrant: str, rate: float, rounds: Sequence[_Round]) -> Latencies:
    return Latencies(
        entrant,
        rate,
        tuple(one.latency for one in rounds),
        Spread(tuple(one.cores for one in rounds)),
        Spread(tuple(one.generator for one in rounds)),
    )
