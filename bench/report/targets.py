"""Targets: the ratios that the project set itself, each with what was measured beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.contenders import catalogue
from bench.contenders.catalogue import NAIVE, NO_OP, OURS, PRINTING, USERS, USERS_CHEAP
from bench.load import slow_clients
from bench.load.wrk import USER, batch
from bench.measures import growth
from bench.measures.big_batch import Beside
from bench.measures.rates import Results
from bench.measures.slow_clients import Row
from bench.measures.spread import Spread
from bench.suite import ARGON2, ARGON2_AT_ONCE, Measurements


@dataclass(frozen=True)
class Target:
    """A ratio, or another number with its `unit`; at most instead of at least where
    `at_most`; some have no aim beyond.
    """

    name: str
    least: float
    aim: float | None
    found: Spread
    at_most: bool = False
    unit: str = ""

    @property
    def met(self) -> str:
        """How far the median comes."""
        sign = -1 if self.at_most else 1
        if self.aim is not None and sign * self.found.median >= sign * self.aim:
            return "aim"
        return "yes" if sign * self.found.median >= sign * self.least else "**no**"


def targets(measured: Measurements) -> Iterator[Target]:
    """Those whose numbers were measured."""
    rate = measured.rates.rate
    ours, printing = rate(OURS), rate(PRINTING)
    users, cheap = rate(USERS, USER), rate(USERS_CHEAP, USER)
    batches, floor = rate(OURS, batch(500)), measured.rates.floor
    disk = measured.disks[0]
    bytes_ratio = Spread((disk.stored / disk.structured,))
    of_batches = "batches of 500, durable, events/s ÷ single events/s of printing only"
    of_cheap = "`POST /v1/user` (direct), cheapest hashing ÷ single durable"
    of_bytes = "bytes on disk an event ÷ bytes of its structured JSON"
    yield Target("single durable ÷ Flask no-op", 0.45, 0.6, ours.over(rate(NO_OP)))
    yield from _beside_printing(measured.rates)
    yield Target("single durable ÷ naive durable", 3, 5, ours.over(rate(NAIVE)))
    yield Target(of_batches, 10, 20, batches.over(printing))
    yield Target("`POST /v1/user` ÷ argon2 floor", 0.85, 0.95, users.over(floor(ARGON2)))
    at_once = users.over(floor(ARGON2_AT_ONCE))
    yield Target(f"`POST /v1/user` ÷ {ARGON2_AT_ONCE}", 0.85, 0.95, at_once)
    yield Target(of_cheap, 0.25, 0.4, cheap.over(ours))
    yield from _growth(measured)
    yield Target(of_bytes, 2.5, 1.8, bytes_ratio, at_most=True)
    p99 = Spread(tuple(one.latency.p99 for one in measured.latencies[OURS]))
    yield Target("p99 at half of the highest rate", 12, 6, p99, at_most=True, unit=" ms")
    yield from _beside_batches(measured.beside_batches)
    yield from _beside_slow(measured.beside_slow)


def _beside_printing(rates: Results) -> Iterator[Target]:
    """Over as many connections as most loads, and over more."""
    for load in catalogue.CROWDED[:2]:
        rate = rates.rate(OURS, load).over(rates.rate(PRINTING, load))
        name = f"single durable ÷ printing only, {load.over}"
        yield Target(name, 0.62, 0.75, rate)
        time = rates.processor_time(OURS, load).over(rates.processor_time(PRINTING, load))
        yield Target(f"processor time: {name}", 1.5, 1.3, time, at_most=True)


def _beside_batches(found: Sequence[Beside]) -> Iterator[Target]:
    for one in found:
        name = f"p99 of single events beside batches of 10 MB, {one.kind}"
        yield Target(name, 60, 25, one.p99, at_most=True, unit=" ms")


def _beside_slow(rows: Sequence[Row]) -> Iterator[Target]:
    """The worse of both services."""
    for attack in slow_clients.ATTACKS.values():
        beside = [row for row in rows if row.attack == attack]
        p99 = Spread((max(row.waits.p99 for row in beside),))
        name = f"p99 of a probe beside connections: {attack.name}"
        aim = None if attack == slow_clients.IDLE else 20
        yield Target(name, 100, aim, p99, at_most=True, unit=" ms")
    grown = Spread((max(row.grown for row in rows if row.attack == slow_clients.IDLE),))
    yield Target(f"memory for {slow_clients.IDLE.name}", 60, None, grown, at_most=True, unit=" MB")


def _growth(measured: Measurements) -> Iterator[Target]:
    sizes = measured.amounts.sizes
    first, last = growth.name_of(sizes[0]), growth.name_of(sizes[-1])
    for load in growth.LOADS:
        empty, full = (measured.growth.rate(name, load) for name in (first, last))
        name = f"ingest at {last} ÷ at {first}, {load.name}"
        yield Target(name, 0.8, 0.95, full.over(empty))
