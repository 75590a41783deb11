"""Latency at half of the highest rate: of ours and, at the same rate, of another beside it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.contenders.contender import Contender
from bench.load import open_loop, wrk
from bench.load.open_loop import Latency
from bench.load.wrk import BINARY
from bench.machine.server_process import Running
from bench.machine.usage import usage_so_far
from bench.measures.rounds import Budget, Progress, settle, warm_up

HIGHEST_SECONDS = 3.0


@dataclass(frozen=True)
class Round:
    """One round of a contender: the rate that was asked for, and what came of it.

    `cores`: processor time a second of the server; `generator`: of who sends.
    """

    asked: float
    latency: Latency
    cores: float
    generator: float


def measure(
    beside: Contender, contenders: Sequence[Contender], budget: Budget, progress: Progress
) -> dict[str, list[Round]]:
    """The rounds of each contender, at half of its highest rate in the same round; and those of
    `beside`, at the rate of the first.
    """
    progress("latency at half of the highest rate")
    found: dict[str, list[Round]] = {one.name: [] for one in (beside, *contenders)}
    for number in range(1, budget.rounds + 1):
        rounds = {one.name: _measured(one, budget) for one in contenders}
        first = rounds[contenders[0].name]
        rounds[beside.name] = _measured(beside, budget, first.asked)
        for name, each in found.items():
            each.append(rounds[name])
            latency = rounds[name].latency
            progress(f"{number}: {name} at {latency.rate:,.0f}/s: p99 {latency.p99:.1f} ms")
    return found


def _measured(contender: Contender, budget: Budget, rate: float | None = None) -> Round:
    with contender.start() as servers:
        warm_up(servers[0], BINARY, budget)
        if rate is None:
            rate = max(1.0, _highest(servers[0], budget) / 2)
        before, own = _seconds(servers[0]), time.process_time()
        latency = open_loop.send(servers[0].url, rate, budget.seconds)
        theirs, own = _seconds(servers[0]) - before, time.process_time() - own
    return Round(rate, latency, theirs / budget.seconds, own / budget.seconds)


def _highest(server: Running, budget: Budget) -> float:
    """Anew in each round, just before: a machine may be slower than it was for the rates."""
    sample = wrk.send(server.url, BINARY, min(budget.seconds, HIGHEST_SECONDS))
    settle(budget)
    return sample.rate


def _seconds(server: Running) -> float:
    """Of processor time, of all processes of the server; 0 where the system has no /proc."""
    usage = usage_so_far([server]).get(server.name)
    return usage.seconds if usage else 0.0
