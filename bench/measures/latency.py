"""Latency at half of the highest rate, of ours and, at the same rate, of another beside it."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import open_loop as openloop
from bench.load import wrk as load
from bench.load.open_loop import Latency
from bench.machine.server_process import Running
from bench.machine.usage import so_far, workers
from bench.measures.rates import Budget, Contender, Progress, Spread, settle, warm_up

HIGHEST_SECONDS = 3.0


@dataclass(frozen=True)
class Latencies:
    """Of one contender, one of each round; the numbers are medians of the rounds.

    `cores`: processor time a second of the workers; `generator`: of who sends.
    """

    contender: str
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


def measure(
    contenders: Sequence[Contender], beside: Contender, budget: Budget, progress: Progress
) -> list[Latencies]:
    """Of each contender, in rounds, at half of what it came to in the same round; and of `beside`
    at the rate of the first.
    """
    found: dict[str, list[_Round]] = {contender.name: [] for contender in (beside, *contenders)}
    for number in range(1, budget.rounds + 1):
        rounds = {contender.name: _measured(contender, budget) for contender in contenders}
        first = rounds[contenders[0].name]
        for name, one in {beside.name: _measured(beside, budget, first.asked), **rounds}.items():
            found[name].append(one)
            latency = one.latency
            progress(f"{number}: {name} at {latency.rate:,.0f}/s: p99 {latency.p99:.1f} ms")
    return [_all(name, rounds) for name, rounds in found.items()]


@dataclass(frozen=True)
class _Round:
    asked: float
    latency: Latency
    cores: float
    generator: float


def _measured(contender: Contender, budget: Budget, rate: float | None = None) -> _Round:
    with contender.start() as running:
        warm_up(running[0], contender, budget)
        if rate is None:
            rate = max(1.0, _highest(running[0], budget) / 2)
        before, own = _seconds(running), time.process_time()
        latency = openloop.run(running[0].url, rate, budget.seconds)
        theirs, own = _seconds(running) - before, time.process_time() - own
    return _Round(rate, latency, theirs / budget.seconds, own / budget.seconds)


def _highest(running: Running, budget: Budget) -> float:
    """Anew in each round, just before: a machine may be slower than it was for the rates."""
    sample = load.run(running.url, load.BINARY, min(budget.seconds, HIGHEST_SECONDS))
    settle(budget)
    return sample.rate


def _seconds(running: Sequence[Running]) -> float:
    """Of processor time, of the first server's workers; 0 where the system has no /proc."""
    usage = so_far(running).get(workers(running[0]))
    return usage.seconds if usage else 0.0


def _all(contender: str, rounds: Sequence[_Round]) -> Latencies:
    return Latencies(
        contender,
        tuple(one.latency for one in rounds),
        Spread(tuple(one.cores for one in rounds)),
        Spread(tuple(one.generator for one in rounds)),
    )
