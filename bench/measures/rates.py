"""Rates: in every round each contender once, so that a drifting machine hurts all.

A contender is started anew in each round, with an empty database unless it says otherwise, and
is alone on the machine while it is measured.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.contenders.contender import Contender
from bench.load import wrk
from bench.load.wrk import BINARY, Load, Sample
from bench.machine.usage import WRK, Memory, Usage, memory_of, usage_so_far
from bench.measures.rounds import Budget, Progress, check, settle, warm_up
from bench.measures.spread import Spread


@dataclass(frozen=True)
class Cost:
    """Costs of a role of processes: `microseconds` of processor time for each event, or user, that
    was acknowledged; `cores`, the same for each second; `switches`, for each request acknowledged;
    `kibibytes` written to files for each event.
    """

    microseconds: float
    cores: float
    switches: float
    kibibytes: float


@dataclass
class Results:
    """Samples and costs of the rounds, by contender and load; memory once the loads are over.

    `costs`: of each role of processes, in each round. `floors`: what was measured without a
    server, by name.
    """

    samples: dict[tuple[str, Load], list[Sample]] = field(default_factory=dict)
    costs: dict[tuple[str, Load], list[dict[str, Cost]]] = field(default_factory=dict)
    floors: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[Memory]] = field(default_factory=dict)

    def contenders_of(self, load: Load) -> list[tuple[str, Spread]]:
        """Those that the load was sent to, with their rates."""
        return [(name, self.rate(name, load)) for name, each in self.samples if each == load]

    def rate(self, contender: str, load: Load = BINARY) -> Spread:
        """The rates of each round. Raises KeyError where it was not measured."""
        return Spread(tuple(one.rate for one in self.samples[contender, load]))

    def floor(self, name: str) -> Spread:
        """The floor of that name, of each round."""
        return Spread(tuple(self.floors[name]))

    def failed(self, contender: str, load: Load = BINARY) -> int:
        """How many requests failed in all rounds."""
        return sum(sample.failed for sample in self.samples[contender, load])

    def costs_by_role(self, contender: str, load: Load) -> dict[str, list[Cost]]:
        """The costs in each round, of the first server first."""
        rounds = self.costs[contender, load]
        return {role: [costs[role] for costs in rounds] for role in rounds[0]}

    def of_server(self, contender: str, load: Load) -> list[Cost]:
        """The costs in each round of the first server."""
        return next(iter(self.costs_by_role(contender, load).values()))

    def processor_time(self, contender: str, load: Load = BINARY) -> Spread:
        """Microseconds an event of all servers together, in each round."""
        rounds = self.costs[contender, load]
        return Spread(
            tuple(
                sum(cost.microseconds for role, cost in costs.items() if role != WRK)
                for costs in rounds
            )
        )

    def per_processor_second(self, contender: str, load: Load = BINARY) -> Spread:
        """Events for each second of processor time of all servers together, in each round."""
        million = Spread((1e6,) * len(self.costs[contender, load]))
        return million.over(self.processor_time(contender, load))


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
            for load, sample, costs in _measured(contender, budget, results):
                what = contender.name, load
                results.samples.setdefault(what, []).append(sample)
                results.costs.setdefault(what, []).append(costs)
                failed = f", {sample.failed} failed" if sample.failed else ""
                progress(f"{number}: {contender.name}, {load.name}: {sample.rate:,.0f}/s{failed}")
        for name, floor in (floors or {}).items():
            results.floors.setdefault(name, []).append(floor())
            progress(f"{number}: {name}: {results.floors[name][-1]:,.1f}/s")
    return results


def _measured(
    contender: Contender, budget: Budget, results: Results
) -> Iterator[tuple[Load, Sample, dict[str, Cost]]]:
    with contender.start() as servers:
        warm_up(servers[0], contender.loads[0], budget)
        for load in contender.loads:
            before = usage_so_far(servers)
            sample = wrk.send(servers[0].url, load, budget.seconds)
            check(sample, contender, load, budget)
            after = usage_so_far(servers)
            costs = {role: _cost(before[role], after[role], load, sample) for role in before}
            yield load, sample, costs
            settle(budget)
        results.memory[contender.name] = [one for each in servers for one in memory_of(each)]


def _cost(before: Usage, after: Usage, load: Load, sample: Sample) -> Cost:
    seconds = after.seconds - before.seconds
    events = sample.events or math.nan
    return Cost(
        microseconds=seconds / events * 1e6,
        cores=seconds / sample.seconds,
        switches=(after.switches - before.switches) * load.events / events,
        kibibytes=(after.written - before.written) / events / 1024,
    )
