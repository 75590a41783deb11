"""Parts of the suite, and the findings of a whole run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.contenders import framework_environment as environments
from bench.contenders import services as servers
from bench.contenders.services import Workspace
from bench.load import wrk as load
from bench.machine import description as machine
from bench.measures import consumer as consuming
from bench.measures import disk as prefill
from bench.measures import growth, hashing, latency, profile, startup
from bench.measures.disk import Disk
from bench.measures.latency import Latencies
from bench.measures.profile import Profile
from bench.measures.rates import Budget, Contender, Progress, Results, Spread, measure
from bench.measures.startup import StartUp
from tests.support import kafka, postgres

NO_OP = "Flask no-op, 204"
PRINTING = "printing only, on the SDK"
FRAMEWORK = "functions-framework, printing only"
NAIVE = "naive durable, SQLite"
OURS = "ours, durable, SQLite"
OURS_POSTGRES = "ours, durable, PostgreSQL"
USERS = "user service, direct"
USERS_CHEAP = "user service, direct, cheapest hashing"
ARGON2 = "argon2 floor"
ARGON2_AT_ONCE = "argon2, all cores at once"

BATCHES = tuple(load.batch(size) for size in (1, 10, 100, 500, 1000))
PROCESSES = (1, 2, 4)
# Of whom it is told where their time goes.
PROFILED = {
    NO_OP: [load.BINARY],
    PRINTING: [load.BINARY],
    OURS: [load.BINARY, load.batch(500)],
    USERS_CHEAP: [load.USER],
    USERS: [load.USER],
}


@dataclass(frozen=True)
class Amounts:
    """How much of each part: `sizes` of logs for growth, `disk_events` for bytes an event;
    `kafka_events` in a topic, where 0 is not to measure it.
    """

    budget: Budget
    sizes: tuple[int, ...]
    disk_events: int
    hashes: int
    starts: int
    kafka_events: int


@dataclass(frozen=True)
class Measurements:
    """Everything that a run measured. `missing`: what could not be, and why."""

    amounts: Amounts
    machine: Sequence[tuple[str, str]]
    missing: Sequence[str]
    rates: Results
    profiles: Sequence[Profile]
    latencies: Sequence[Latencies]
    growth: Results
    disks: Sequence[Disk]
    replicas: Results | None
    consumed: Spread | None
    startups: Sequence[StartUp]


def run_all(amounts: Amounts, progress: Progress) -> Measurements:
    """Every part, one after the other. All that is started is stopped, come what may."""
    missing = []
    framework: Path | None = None
    progress("making the environment of functions-framework, unless it is there")
    try:
        framework = environments.framework()
    except environments.NotInstalled as reason:
        missing.append(f"functions-framework could not be installed: {reason}")
    if not profile.is_possible():
        missing.append(f"where the time goes was not measured: {profile.HOW_IT_IS_POSSIBLE}")
    if not kafka.is_there():
        missing.append(f"Kafka was not measured: {kafka.HOW_TO_GET_IT}")
    if not postgres.is_there():
        missing.append(f"PostgreSQL was not measured: {postgres.HOW_TO_GET_IT}")
    with servers.a_workspace(environments.CACHE, framework) as workspace:
        budget = amounts.budget
        progress("single events, structured mode, batches, users")
        floors = {
            ARGON2: partial(hashing.floor, amounts.hashes),
            ARGON2_AT_ONCE: partial(hashing.all_at_once, amounts.hashes),
        }
        rates = measure(_contenders(workspace), budget, progress, floors)
        progress("where the time goes")
        profiles = _profiles(workspace, budget, progress) if profile.is_possible() else []
        progress("latency at half of the highest rate")
        latencies = _latencies(workspace, budget, progress)
        progress("growth")
        grown = growth.run(workspace, amounts.sizes, budget, progress)
        progress("bytes on disk")
        disks = _disks(workspace, amounts.disk_events)
        progress("PostgreSQL with more audit processes")
        replicas = measure(_replicas(workspace), budget, progress) if workspace.postgres else None
        progress("from a Kafka topic")
        consumed = _consumed(workspace, amounts) if kafka.is_there() else None
        progress("start-up")
        startups = startup.measure(workspace, amounts.starts)
        described = machine.describe(workspace.data)
    return Measurements(
        amounts,
        described,
        missing,
        rates,
        profiles,
        latencies,
        grown,
        disks,
        replicas,
        consumed,
        startups,
    )


def _contenders(workspace: Workspace) -> list[Contender]:
    single = [load.BINARY]
    ours = [load.BINARY, load.STRUCTURED, *BATCHES]
    contenders = [
        Contender(NO_OP, partial(servers.peer, workspace, "no_op"), single),
        Contender(PRINTING, partial(servers.peer, workspace, "printing"), single),
        Contender(NAIVE, partial(servers.peer, workspace, "naive"), single),
        Contender(OURS, partial(servers.audit, workspace), ours),
        Contender(USERS, partial(servers.users, workspace), [load.USER]),
        Contender(
            USERS_CHEAP, partial(servers.users, workspace, cheapest_hashing=True), [load.USER]
        ),
    ]
    if workspace.framework:
        contenders.insert(
            2, Contender(FRAMEWORK, partial(servers.peer, workspace, "framework"), single)
        )
    if workspace.postgres:
        contenders.append(
            Contender(OURS_POSTGRES, partial(servers.audit_on_postgres, workspace), ours)
        )
    return contenders


def _profiles(workspace: Workspace, budget: Budget, progress: Progress) -> Sequence[Profile]:
    contenders = {
        contender.name: contender for contender in _contenders(profile.sampled(workspace))
    }
    profiled = [replace(contenders[name], loads=loads) for name, loads in PROFILED.items()]
    return profile.measure(profiled, workspace.output, budget, progress)


def _latencies(workspace: Workspace, budget: Budget, progress: Progress) -> list[Latencies]:
    contenders = {contender.name: contender for contender in _contenders(workspace)}
    ours = [contenders[name] for name in (OURS, OURS_POSTGRES) if name in contenders]
    return latency.measure(ours, contenders[NO_OP], budget, progress)


def _disks(workspace: Workspace, events: int) -> list[Disk]:
    disks = [prefill.sqlite(workspace.data, events)]
    if workspace.postgres:
        with servers.empty_database(workspace) as url:
            disks.append(prefill.postgres(url, events))
    return disks


def _consumed(workspace: Workspace, amounts: Amounts) -> Spread | None:
    if not amounts.kafka_events:
        return None
    folder = workspace.data / "kafka"
    folder.mkdir()
    return consuming.measure(folder, amounts.kafka_events, rounds=amounts.budget.rounds)


def processes_name(number: int) -> str:
    """What results call so many audit processes."""
    return "1 process" if number == 1 else f"{number} processes"


def _replicas(workspace: Workspace) -> list[Contender]:
    loads = [load.BINARY, load.batch(100)]
    return [
        Contender(processes_name(n), partial(servers.audit_on_postgres, workspace, n), loads)
        for n in PROCESSES
    ]
