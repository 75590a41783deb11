"""Targets: the ratios that the project set itself, each with what was measured beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.contenders.catalogue import NAIVE, NO_OP, OURS, PRINTING, USERS, USERS_CHEAP
from bench.load.wrk import USER, batch
from bench.measures import growth
from bench.measures.spread import Spread
from bench.suite import ARGON2, Measurements


@dataclass(frozen=True)
class Target:
    """A ratio, or another number with its `unit`; at most instead of at least where
    `at_most`.
    """

    name: str
    least: float
    aim: float
    found: Spread
    at_most: bool = False
    unit: str = ""

    @property
    def met(self) -> str:
        """How far the median comes."""
        sign = -1 if self.at_most else 1
        if sign * self.found.median >= sign * self.aim:
            return "aim"
        return "yes" if sign * self.found.median >= sign * self.least else "**no**"


def targets(measured: Measurements) -> Iterator[Target]:
    """Those whose numbers were measured."""
    rate = measured.rates.rate
    ours, printing = rate(OURS), rate(PRINTING)
    users, cheap = rate(USERS, USER), rate(USERS_CHEAP, USER)
    batches, floor = rate(OURS, batch(500)), measured.rates.floor(ARGON2)
    disk = measured.disks[0]
    bytes_ratio = Spread((disk.stored / disk.structured,))
    of_batches = "batches of 500, durable, events/s ÷ single events/s of printing only"
    of_cheap = "`POST /v1/user` (direct), cheapest hashing ÷ single durable"
    of_bytes = "bytes on disk an event ÷ bytes of its structured JSON"
    yield Target("single durable ÷ Flask no-op", 0.45, 0.6, ours.over(rate(NO_OP)))
    yield Target("single durable ÷ printing only, on the SDK", 0.55, 0.8, ours.over(printing))
    yield Target("single durable ÷ naive durable", 3, 5, ours.over(rate(NAIVE)))
    yield Target(of_batches, 10, 20, batches.over(printing))
    yield Target("`POST /v1/user` ÷ argon2 floor", 0.85, 0.95, users.over(floor))
    yield Target(of_cheap, 0.3, 0.45, cheap.over(ours))
    yield from _growth(measured)
    yield Target(of_bytes, 2.5, 1.8, bytes_ratio, at_most=True)
    p99 = Spread(tuple(one.latency.p99 for one in measured.latencies[OURS]))
    yield Target("p99 at half of the highest rate", 15, 8, p99, at_most=True, unit=" ms")


def _growth(measured: Measurements) -> Iterator[Target]:
    sizes = measured.amounts.sizes
    first, last = growth.name_of(sizes[0]), growth.name_of(sizes[-1])
    for load in growth.LOADS:
        empty, full = (measured.growth.rate(name, load) for name in (first, last))
        name = f"ingest at {last} ÷ at {first}, {load.name}"
        yield Target(name, 0.8, 0.95, full.over(empty))
