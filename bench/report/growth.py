"""The page's part on growth: what an event costs by how many are stored."""

from collections.abc import Iterator, Sequence

from bench.load.wrk import Load
from bench.machine.usage import Cost
from bench.measures import growth
from bench.measures.rates import Results, Spread
from bench.report.markdown import rate, spread, table
from bench.suite import Measurements

_TEXT = """\
The logs are copies of one that was filled, and grow by what they are sent in the rounds. *µs* are
the workers' processor time for each event, *KiB* what they wrote to files for it: its pages in the
write-ahead log, and again in the file, and its log lines. Half of the stored events' ids are
random, the others rise in time, as those of the user service do (UUID version 7). In the index by
which an event is found, ids that rise are neighbours. Random ones are anywhere: the larger the
index, the fewer of a commit share one of its pages, and each page is looked up, read and written
twice.
"""


def sections(measurements: Measurements) -> Iterator[str]:
    """With a heading."""
    yield "## Growth"
    yield _TEXT
    yield table(["", *_head()], _rows(measurements))


def _head() -> Iterator[str]:
    for unit in ("events/s", "µs", "KiB"):
        yield from (f"{unit}, {one.name}" for one in growth.LOADS)


def _rows(measurements: Measurements) -> Iterator[Sequence[str]]:
    for size in measurements.amounts.sizes:
        name = growth.name(size)
        costs = [_costs(measurements.growth, name, one) for one in growth.LOADS]
        yield (
            name,
            *(rate(measurements.growth, name, one) for one in growth.LOADS),
            *(spread(Spread(tuple(cost.an_event * 1e6 for cost in each))) for each in costs),
            *(spread(Spread(tuple(cost.written / 1024 for cost in each)), 1) for each in costs),
        )


def _costs(growing: Results, name: str, one_load: Load) -> list[Cost]:
    """Of the workers, in each round."""
    return [next(iter(costs.values())) for costs in growing.costs[name, one_load.name]]
