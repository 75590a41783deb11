"""Measuring side by side: in every round each contender once, so that a drifting machine hurts all.

A contender is started anew in each round, with an empty database unless it says otherwise, and
is alone on the machine while it is measured.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from bench.load import wrk as load
from bench.load.wrk import Load, Sample
from bench.machine import usage
from bench.machine.server_process import Memory, Running, memory_of
from bench.machine.usage import Cost

WARM_UP_SECONDS = 1
# What wrk leaves behind when it stops is still worked on, and takes the next one's places.
SETTLE_SECONDS = 1.0

Progress = Callable[[str], None]


class Broken(Exception):
    """A contender does not do what it is there for; the message names it and the load."""


@dataclass(frozen=True)
class Budget:
    """How much is measured: rounds, and seconds for each load in each of them.

    `strict`: whether what `run` finds broken ends it all.
    """

    rounds: int
    seconds: float
    warm_up: bool = True
    strict: bool = False


@dataclass(frozen=True)
class Contender:
    """A server and what is sent to the first of the processes that `start` gives."""

    name: str
    start: Callable[[], AbstractContextManager[Sequence[Running]]]
    loads: Sequence[Load]


@dataclass(frozen=True)
class Spread:
    """A number that was measured once a round."""

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


@dataclass
class Results:
    """What the rounds came to, by contender and load; memory once the loads are over.

    `costs`: of each role of processes, in each round. `floors`: what was measured without a
    server, by name.
    """

    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=dict)
    costs: dict[tuple[str, str], list[dict[str, Cost]]] = field(default_factory=dict)
    floors: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[Memory]] = field(default_factory=dict)

    def rate(self, contender: str, load: Load = load.BINARY) -> Spread | None:
        """The rates of each round; None where it was not measured."""
        samples = self.samples.get((contender, load.name))
        return Spread(tuple(sample.rate for sample in samples)) if samples else None

    def floor(self, name: str) -> Spread:
        """The floor of that name, of each round."""
        return Spread(tuple(self.floors[name]))

    def failed(self, contender: str, load: Load = load.BINARY) -> int:
        """How many requests failed in all rounds."""
        return sum(sample.failed for sample in self.samples[contender, load.name])


def measure(
    contenders: Sequence[Contender],
    budget: Budget,
    progress: Progress,
    floors: Mapping[str, Callable[[], float]] | None = None,
) -> Results:
    """All rounds of all contenders, and in each round the floors."""
    results = Results()
    for number in range(1, budget.rounds + 1):
        for contender in contenders:
            for one_load, sample, costs in _measured(contender, budget, results):
                what = contender.name, one_load.name
                results.samples.setdefault(what, []).append(sample)
                results.costs.setdefault(what, []).append(costs)
                failed = f", {sample.failed} failed" if sample.failed else ""
                progress(
                    f"{number}: {contender.name}, {one_load.name}: {sample.rate:,.0f}/s{failed}"
                )
        for name, floor in (floors or {}).items():
            results.floors.setdefault(name, []).append(floor())
            progress(f"{number}: {name}: {results.floors[name][-1]:,.1f}/s")
    return results


def warm_up(running: Running, contender: Contender, budget: Budget) -> None:
    """Before anything counts, where that is asked for."""
    if budget.warm_up:
        load.run(running.url, contender.loads[0], WARM_UP_SECONDS)
        settle(budget)


def run(running: Running, contender: Contender, one_load: Load, budget: Budget) -> Sample:
    """One load that counts.

    Raises Broken, where that is asked for, if nothing was acknowledged, or a request failed in
    another way than by a 503: a machine that is too slow is no fault.
    """
    sample = load.run(running.url, one_load, budget.seconds)
    failed = sample.failed - sample.busy
    if budget.strict and (failed or not sample.events):
        what = f"{sample.events:,} acknowledged, {failed:,} requests failed"
        raise Broken(
            f"{contender.name}, {one_load.name}: {what}, {sample.busy:,} were answered 503"
        )
    return sample


def settle(budget: Budget) -> None:
    """Between two loads on one server."""
    time.sleep(SETTLE_SECONDS if budget.warm_up else 0)


def _measured(
    contender: Contender, budget: Budget, results: Results
) -> Iterator[tuple[Load, Sample, dict[str, Cost]]]:
    with contender.start() as running:
        warm_up(running[0], contender, budget)
        for one_load in contender.loads:
            before = usage.so_far(running)
            sample = run(running[0], contender, one_load, budget)
            yield one_load, sample, usage.costs(before, usage.so_far(running), one_load, sample)
            settle(budget)
        results.memory[contender.name] = [m for server in running for m in memory_of(server)]
