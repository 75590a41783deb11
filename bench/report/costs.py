"""The page's part on where the time goes: what each request costs, and which layer takes it."""

from collections.abc import Callable, Iterator, Sequence

from bench.load.wrk import Load
from bench.machine.usage import Cost
from bench.measures.layers import Layer
from bench.measures.profile import SAMPLE_SECONDS, Profile
from bench.measures.rates import Results, Spread
from bench.report.markdown import spread, table
from bench.suite import PROFILED, Measurements

_COSTS = """\
What each event, or user, that was acknowledged took of the processor, user and system, while the
rates above were measured: of all workers of a service, and of the load generator. That of a batch
is shared out over its events. *Cores* is the same by the clock. What the rows of a contender leave
of the machine's cores, its master and the kernel's own threads took, or nobody, while all waited
for the disk or for each other. *Switches* are those of all threads, voluntary and not, for each
request that was acknowledged.
"""
_LAYERS = f"""\
By layer, from runs of their own, since looking costs. Whenever a worker had used another
{SAMPLE_SECONDS * 1000:g} ms of processor time, the stack of the thread that used it was taken;
waiting takes none. A stack counts for its innermost file that belongs to a layer, so that what a
layer calls in Python's own library, in C or in the kernel is its own. A time is the share of the
samples times the workers' time above. Of the user service only its own workers are in the table;
its audit service does what *ours* does.
"""
_HOW_TO_READ = """\
Where the cores are what is short, a ratio of two rates is about the inverse ratio of what an event
takes of the processor, all processes together, and the rows say what makes it; where *cores* leaves
much of the machine, waiting is the rest.

- *Single durable ÷ no-op*: whatever the no-op does not do at all comes on top of gunicorn and
  Flask, which no commit, however cheap, takes away. A row that both have need not be the same in
  both: a switch between threads is paid wherever it happens.
- *Single durable ÷ naive*: the naive one waits for the disk at each commit and leaves much of the
  cores; ours shares its commits, and is bound by the cores. Where they are slow and the disk is
  not, the ratio falls.
- *Batches ÷ printing*: gunicorn, Flask and the line of the request are paid once a batch, of
  which an event's part is small; the rows that are left are paid for each event, and they are what
  bounds the ratio.
- *`POST /v1/user` ÷ argon2 floor*: the floor is hashing alone. Every other row comes on top, and
  what the audit service takes of the same cores; with the cheapest hashing, that is nearly all.
"""


def sections(measurements: Measurements) -> Iterator[str]:
    """With a heading; nothing where none of it was measured."""
    if not measurements.profiles:
        return
    yield "## Where the time goes"
    yield _COSTS
    head = ["", "processes", "processor time", "cores", "switches a request"]
    yield table(head, _cost_rows(measurements.rates))
    yield _LAYERS
    head = ["", *(_name(profile.contender, profile.load) for profile in measurements.profiles)]
    yield table(head, _layer_rows(measurements))
    yield _HOW_TO_READ


def _name(contender: str, load: Load) -> str:
    return contender if load.events == 1 else f"{contender}, {load.name}"


def _cost_rows(rates: Results) -> Iterator[Sequence[str]]:
    for contender, loads in PROFILED.items():
        for load in loads:
            for role in rates.costs[contender, load.name][0]:
                yield _name(contender, load), role, *_cost(rates, contender, load, role)


def _cost(rates: Results, contender: str, load: Load, role: str) -> Iterator[str]:
    rounds = [costs[role] for costs in rates.costs[contender, load.name]]

    def of(number: Callable[[Cost], float]) -> Spread:
        return Spread(tuple(map(number, rounds)))

    yield f"{spread(of(lambda cost: cost.an_event * 1e6))} µs"
    yield spread(of(lambda cost: cost.cores), 2)
    yield spread(of(lambda cost: cost.switches), 1)


def _layer_rows(measurements: Measurements) -> Iterator[Sequence[str]]:
    whole = [(profile, _seconds(measurements.rates, profile)) for profile in measurements.profiles]
    for layer in Layer:
        yield layer, *(_part(profile.share(layer), seconds) for profile, seconds in whole)
    yield "all", *(_part(1, seconds) for _, seconds in whole)
    yield "samples", *(f"{profile.total:,}" for profile, _ in whole)


def _part(share: float, seconds: float) -> str:
    return f"{share * 100:.0f} %, {share * seconds * 1e6:,.0f} µs" if share else ""


def _seconds(rates: Results, profile: Profile) -> float:
    """Of processor time an event, of the workers that were sampled: those of the first role."""
    rounds = rates.costs[profile.contender, profile.load.name]
    return Spread(tuple(next(iter(costs.values())).an_event for costs in rounds)).median
