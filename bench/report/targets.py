"""The ratios that the project set itself, each with what was measured beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import wrk as load
from bench.measures import growth
from bench.measures.rates import Spread
from bench.suite import ARGON2, NAIVE, NO_OP, OURS, PRINTING, USERS, USERS_CHEAP, Measurements


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


def targets(measurements: Measurements) -> Iterator[Target]:
    """Those whose parts were measured."""
    rates = measurements.rates
    ours, printing = _rate(measurements, OURS), _rate(measurements, PRINTING)
    batches = _rate(measurements, OURS, load.batch(500))
    yield Target("single durable ÷ Flask no-op", 0.45, 0.6, ours.over(_rate(measurements, NO_OP)))
    yield Target("single durable ÷ printing only, on the SDK", 0.55, 0.8, ours.over(printing))
    yield Target("single durable ÷ naive durable", 3, 5, ours.over(_rate(measurements, NAIVE)))
    yield Target(
        "batches of 500, durable, events/s ÷ single events/s of printing only",
        10,
        20,
        batches.over(printing),
    )
    users, cheap = (
        _rate(measurements, USERS, load.USER),
        _rate(measurements, USERS_CHEAP, load.USER),
    )
    yield Target("`POST /v1/user` ÷ argon2 floor", 0.85, 0.95, users.over(rates.floor(ARGON2)))
    yield Target(
        "`POST /v1/user` (direct), cheapest hashing ÷ single durable", 0.3, 0.45, cheap.over(ours)
    )
    yield from _growth(measurements)
    disk = measurements.disks[0]
    yield Target(
        "bytes on disk an event ÷ bytes of its structured JSON",
        2.5,
        1.8,
        Spread((disk.stored / disk.structured,)),
        at_most=True,
    )
    for latencies in measurements.latencies:
        if latencies.contender == OURS:
            p99 = Spread(tuple(one.p99 for one in latencies.rounds))
            yield Target("p99 at half of the highest rate", 15, 8, p99, at_most=True, unit=" ms")


def _growth(measurements: Measurements) -> Iterator[Target]:
    first, last = (
        growth.name(measurements.amounts.sizes[0]),
        growth.name(measurements.amounts.sizes[-1]),
    )
    for one_load in growth.LOADS:
        empty, full = (
            measurements.growth.rate(first, one_load),
            measurements.growth.rate(last, one_load),
        )
        if empty and full:
            name = f"ingest at {last} ÷ at {first}, {one_load.name}"
            yield Target(name, 0.8, 0.95, full.over(empty))


def _rate(measurements: Measurements, contender: str, of: load.Load = load.BINARY) -> Spread:
    rate = measurements.rates.rate(contender, of)
    if rate is None:
        raise KeyError(contender)
    return rate
