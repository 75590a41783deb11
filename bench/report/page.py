"""Report of a run as a page of Markdown; every number in it is one that was measured."""

from collections.abc import Iterator, Sequence

from bench.load import wrk as load
from bench.measures.rates import Results
from bench.report import costs as report_costs
from bench.report import growth as report_growth
from bench.report import scaling as report_scaling
from bench.report.markdown import rate, spread, table
from bench.report.targets import Target, targets
from bench.suite import (
    ARGON2,
    ARGON2_AT_ONCE,
    BATCHES,
    OURS,
    OURS_POSTGRES,
    USERS,
    USERS_CHEAP,
    Measurements,
)

_HOW = """\
Written by `make bench`; do not edit. To repeat it: `make bench`, on a machine with
`wrk` that does nothing else, and PostgreSQL's `initdb` and `postgres` on the PATH for the rows of
PostgreSQL. `python -m bench --help` says how to measure less.

Everything runs on one machine, so the load generator takes its part of the cores. Each number is
the median of the rounds, with the lowest and the highest in brackets; a ratio is taken within
each round. In every round each contender is started anew, alone, with an empty database, and
warmed up. Every Python server runs under the same gunicorn with the same settings: 2 workers of
8 threads (the user service: its default of 16). The load is wrk, 2 threads, 16 connections; each
event has an id of its own, is small, and like those of the user service. Only what was
acknowledged counts. What servers print goes to a file in memory.
"""
_WHY = """\
Why one is missed: see [where the time goes](#where-the-time-goes),
[latency](#latency-at-half-of-the-highest-rate) and [growth](#growth).
"""
_SINGLE = """\
Binary mode. *No-op* is Flask that answers 204. *Printing only* is the article's audit service on
the current SDK; *functions-framework* does the same as its CloudEvent function, on the SDK that it
needs, in an environment of its own. *Naive durable* inserts and commits each event with
Python's `sqlite3` as it comes. *Ours* answers once the event is checked, its digest
taken, and its commit on disk.
"""
_LATENCY = """\
Open loop: single events at a fixed rate over 16 connections, each latency counted from when the
request was due. The rate is half of what wrk came to in the same round, just before. The generator
is Python on the same machine; the no-op at the rate of *ours* on SQLite shows what of it is the
generator's and Flask's. *Worst* is that of all rounds. Where workers and generator together leave
little of the machine's cores, who is late waits for one. An event takes more of the processor
there than at the highest rate: fewer share a commit, and threads that had nothing to do have to be
woken. The kernel spreads the connections over the two workers by chance, and so the work: the one
with more of them may have more than its one core's worth.
"""
_CORES = ("cores, workers", "cores, generator")
_USERS = """\
Direct delivery to our audit service on the same machine: each user is an event that is on disk
there, then a commit here. The floor is cores ÷ CPU seconds of one hash, with nothing else running.
As many threads as there are cores share the memory's bandwidth and the caches, which the floor
leaves out: *all cores at once* is what they hash together, by the clock.
"""
_DISK = """\
Averages, indexes included. SQLite: the file, its WAL written back; PostgreSQL: the table, without
its WAL.
"""
_START_UP = """\
From the start of the command, with an empty database to make, to the first 200 of `/readyz`; and
the import of all its code, which is a part of it.
"""


def page(measurements: Measurements) -> str:
    """The whole page."""
    budget = measurements.amounts.budget
    sections = [
        "# Performance",
        _HOW,
        f"This run: {budget.rounds} rounds, {budget.seconds:g} s a load.",
        *(f"**Missing**: {reason}." for reason in measurements.missing),
        "## The targets",
        table(["", "at least", "aim", "measured", "met"], map(_target_row, targets(measurements))),
        *([_WHY] if measurements.profiles else []),
        "## Single events",
        "![Single events a second](performance.svg)",
        _SINGLE,
        table(["", "events/s", "failed requests"], _single_rows(measurements.rates)),
        "## Batches and structured mode",
        table(["events/s", *_ours(measurements.rates)], _batch_rows(measurements.rates)),
        "## Users",
        _USERS,
        table(["", "users/s", "failed requests"], _user_rows(measurements.rates)),
        *_of_what_is_reached(measurements.rates),
        *report_costs.sections(measurements),
        "## Latency at half of the highest rate",
        _LATENCY,
        table(["", "events/s", "p50", "p99", "worst", *_CORES], _latency_rows(measurements)),
        *report_growth.sections(measurements),
        "## Bytes on disk",
        _DISK,
        table(
            ["", "events", "bytes an event", "its structured JSON", "ratio"], _disks(measurements)
        ),
        *report_scaling.sections(measurements),
        "## Memory",
        "Of each process, after the loads. PSS shares out what processes have in common.",
        table(["process", "serving", "RSS", "PSS"], _memory_rows(measurements.rates)),
        "## Start-up",
        _START_UP,
        table(["", "until ready", "import"], _start_rows(measurements)),
        "## The machine",
        table(["", ""], measurements.machine),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _target_row(target: Target) -> Sequence[str]:
    sign = "≤ " if target.at_most else ""
    least, aim = (f"{sign}{number:g}{target.unit}" for number in (target.least, target.aim))
    return target.name, least, aim, spread(target.found, 2) + target.unit, target.met


def _single_rows(rates: Results) -> Iterator[Sequence[str]]:
    for contender, one_load in rates.samples:
        if one_load == load.BINARY.name:
            yield contender, rate(rates, contender, load.BINARY), f"{rates.failed(contender):,}"


def _ours(rates: Results) -> list[str]:
    return [name for name in (OURS, OURS_POSTGRES) if rates.rate(name)]


def _batch_rows(rates: Results) -> Iterator[Sequence[str]]:
    for one_load in (load.BINARY, load.STRUCTURED, *BATCHES):
        yield one_load.name, *(rate(rates, contender, one_load) for contender in _ours(rates))


def _user_rows(rates: Results) -> Iterator[Sequence[str]]:
    for floor in (ARGON2, ARGON2_AT_ONCE):
        yield floor, spread(rates.floor(floor)), ""
    for contender in (USERS, USERS_CHEAP):
        failed = f"{rates.failed(contender, load.USER):,}"
        yield contender, rate(rates, contender, load.USER), failed


def _of_what_is_reached(rates: Results) -> Iterator[str]:
    if users := rates.rate(USERS, load.USER):
        ratio = users.over(rates.floor(ARGON2_AT_ONCE))
        yield f"`POST /v1/user` ÷ {ARGON2_AT_ONCE}: {spread(ratio, 2)}."


def _latency_rows(measurements: Measurements) -> Iterator[Sequence[str]]:
    for one in measurements.latencies:
        times = (f"{number:.1f} ms" for number in (one.p50, one.p99, one.worst))
        cores = (spread(each, 2) for each in (one.cores, one.generator))
        yield one.contender, f"{one.rate:,.0f}", *times, *cores


def _disks(measurements: Measurements) -> Iterator[Sequence[str]]:
    for disk in measurements.disks:
        ratio = f"{disk.stored / disk.structured:.2f}"
        yield (
            disk.backend,
            f"{disk.events:,}",
            f"{disk.stored:.0f}",
            f"{disk.structured:.0f}",
            ratio,
        )


def _memory_rows(rates: Results) -> Iterator[Sequence[str]]:
    for contender, processes in rates.memory.items():
        for process in processes:
            rss, pss = (f"{kib / 1024:.0f} MiB" for kib in (process.rss, process.pss))
            yield process.role, contender, rss, pss


def _start_rows(measurements: Measurements) -> Iterator[Sequence[str]]:
    for one in measurements.startups:
        yield one.service, f"{spread(one.ready, 2)} s", f"{spread(one.imported, 2)} s"
