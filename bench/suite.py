"""Parts of the suite, and the findings of a whole run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.contenders import framework_environment as environments
from bench.contenders import services as servers
from bench.contenders.services import Place
from bench.load import wrk as load
from bench.machine import description as machine
from bench.measures import consumer as consuming
from bench.measures import disk as prefill
from bench.measures import growth, hashing, latency, profile, startup
from bench.measures.disk import Disk
from bench.measures.latency import Latencies
from bench.measures.profile import Profile
from bench.measures.rates import Effort, Entrant, Results, Say, Spread, measure
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

    effort: Effort
    sizes: tuple[int, ...]
    disk_events: int
    hashes: int
    starts: int
    kafka_events: int


@dataclass(frozen=True)
class Findings:
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


def run_all(amounts: Amounts, say: Say) -> Findings:
    """Every part, one after the other. All that is started is stopped, come what may."""
    missing = []
    framework: Path | None = None
    say("making the environment of functions-framework, unless it is there")
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
    with servers.a_place(environments.CACHE, framework) as place:
        effort = amounts.effort
        say("single events, structured mode, batches, users")
        floors = {
            ARGON2: partial(hashing.floor, amounts.hashes),
            ARGON2_AT_ONCE: partial(hashing.all_at_once, amounts.hashes),
        }
        rates = measure(_entrants(place), effort, say, floors)
        say("where the time goes")
        profiles = _profiles(place, effort, say) if profile.is_possible() else []
        say("latency at half of the highest rate")
        latencies = _latencies(place, effort, say)
        say("growth")
        grown = growth.run(place, amounts.sizes, effort, say)
        say("bytes on disk")
        disks = _disks(place, amounts.disk_events)
        say("PostgreSQL with more audit processes")
        replicas = measure(_replicas(place), effort, say) if place.postgres else None
        say("from a Kafka topic")
        consumed = _consumed(place, amounts) if kafka.is_there() else None
        say("start-up")
        startups = startup.measure(place, amounts.starts)
        described = machine.describe(place.data)
    return Findings(
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


def _entrants(place: Place) -> list[Entrant]:
    single = [load.BINARY]
    ours = [load.BINARY, load.STRUCTURED, *BATCHES]
    entrants = [
        Entrant(NO_OP, partial(servers.peer, place, "no_op"), single),
        Entrant(PRINTING, partial(servers.peer, place, "printing"), single),
        Entrant(NAIVE, partial(servers.peer, place, "naive"), single),
        Entrant(OURS, partial(servers.audit, place), ours),
        Entrant(USERS, partial(servers.users, place), [load.USER]),
        Entrant(USERS_CHEAP, partial(servers.users, place, cheapest_hashing=True), [load.USER]),
    ]
    if place.framework:
        entrants.insert(2, Entrant(FRAMEWORK, partial(servers.peer, place, "framework"), single))
    if place.postgres:
        entrants.append(Entrant(OURS_POSTGRES, partial(servers.audit_on_postgres, place), ours))
    return entrants


def _profiles(place: Place, effort: Effort, say: Say) -> Sequence[Profile]:
    entrants = {entrant.name: entrant for entrant in _entrants(profile.sampled(place))}
    profiled = [replace(entrants[name], loads=loads) for name, loads in PROFILED.items()]
    return profile.measure(profiled, place.output, effort, say)


def _latencies(place: Place, effort: Effort, say: Say) -> list[Latencies]:
    entrants = {entrant.name: entrant for entrant in _entrants(place)}
    ours = [entrants[name] for name in (OURS, OURS_POSTGRES) if name in entrants]
    return latency.measure(ours, entrants[NO_OP], effort, say)


def _disks(place: Place, events: int) -> list[Disk]:
    disks = [prefill.sqlite(place.data, events)]
    if place.postgres:
        with servers.empty_database(place) as url:
            disks.append(prefill.postgres(url, events))
    return disks


def _consumed(place: Place, amounts: Amounts) -> Spread | None:
    if not amounts.kafka_events:
        return None
    folder = place.data / "kafka"
    folder.mkdir()
    return consuming.measure(folder, amounts.kafka_events, rounds=amounts.effort.rounds)


def processes_name(number: int) -> str:
    """What results call so many audit processes."""
    return "1 process" if number == 1 else f"{number} processes"


def _replicas(place: Place) -> list[Entrant]:
    loads = [load.BINARY, load.batch(100)]
    return [
        Entrant(processes_name(n), partial(servers.audit_on_postgres, place, n), loads)
        for n in PROCESSES
    ]
