"""Suite: everything that is measured, and all of what a run came to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.contenders import catalogue, environments
from bench.load.wrk import BINARY, QUARTER_KIB
from bench.machine import browser, kafka_broker, postgres
from bench.machine.workspace import Workspace, a_workspace
from bench.measures import (
    big_batch,
    consumer,
    disk,
    evidence,
    growth,
    hashing,
    latency,
    machine,
    memory,
    page,
    profile,
    rates,
    search,
    slow_clients,
    startup,
)
from bench.measures.big_batch import Beside
from bench.measures.disk import Disk
from bench.measures.evidence import Evidence
from bench.measures.latency import Round
from bench.measures.memory import UnderBombs
from bench.measures.page import InBrowser
from bench.measures.profile import Profile
from bench.measures.rates import Results
from bench.measures.rounds import Budget, Progress
from bench.measures.search import Searched
from bench.measures.slow_clients import Row
from bench.measures.spread import Spread
from bench.measures.startup import StartUp

ARGON2 = "argon2 floor"
ARGON2_AT_ONCE = "argon2, all cores at once"


@dataclass(frozen=True)
class Amounts:
    """Amounts of each measure: `sizes` of logs for growth, `disk_events` for bytes an event;
    `kafka_events` in a topic, where 0 is not to measure it; `bombs_seconds` under bombs;
    `writers_seconds` for writers that write without a pause; `slow_clients`: what share of the
    slow clients there are, for `slow_seconds` each; `search_sizes` of logs that are searched;
    `page`: of what is done in a browser; `signed_events` in a log that is verified.
    """

    budget: Budget
    sizes: tuple[int, ...]
    disk_events: int
    hashes: int
    starts: int
    kafka_events: int
    bombs_seconds: float
    writers_seconds: float
    slow_clients: float
    slow_seconds: float
    search_sizes: tuple[int, ...]
    page: page.Sizes
    signed_events: int


@dataclass(frozen=True)
class Measurements:
    """Everything that a run measured. `missing`: what could not be, and why."""

    amounts: Amounts
    missing: Sequence[str]
    rates: Results
    profiles: Sequence[Profile]
    latencies: Mapping[str, list[Round]]
    writers: Results
    beside_slow: Sequence[Row]
    beside_batches: Sequence[Beside]
    growth: Results
    disks: Sequence[Disk]
    replicas: Results | None
    consumed: Spread | None
    startups: Sequence[StartUp]
    searched: Searched
    in_browser: InBrowser | None
    signing: Evidence
    under_bombs: UnderBombs
    machine: Sequence[tuple[str, str]]


def run(amounts: Amounts, progress: Progress) -> Measurements:
    """Every measure, one after the other. All that is started is stopped, come what may."""
    missing = [*_missing()]
    pythons: dict[str, Path] = {}
    for one in environments.ALL:
        progress(f"making the environment of {one.name}, unless it is there")
        try:
            pythons[one.name] = one.python()
        except environments.NotInstalled as reason:
            missing.insert(0, f"{one.name} could not be installed: {reason}")
    with a_workspace(pythons) as workspace:
        return _measure(workspace, amounts, missing, progress)


def _missing() -> Iterator[str]:
    if not profile.is_possible():
        yield f"where the time goes was not measured: {profile.HOW_IT_IS_POSSIBLE}"
    if not kafka_broker.is_there():
        yield f"Kafka was not measured: {kafka_broker.HOW_TO_GET_IT}"
    if not postgres.is_there():
        yield f"PostgreSQL was not measured: {postgres.HOW_TO_GET_IT}"
    if not browser.is_there():
        yield f"the page was not measured in a browser: {browser.HOW_TO_GET_IT}"


def _measure(
    workspace: Workspace, amounts: Amounts, missing: Sequence[str], progress: Progress
) -> Measurements:
    budget, with_kafka = amounts.budget, amounts.kafka_events and kafka_broker.is_there()
    floors = {
        ARGON2: partial(hashing.floor, amounts.hashes),
        ARGON2_AT_ONCE: partial(hashing.all_at_once, amounts.hashes),
    }
    contenders = catalogue.contenders(workspace)
    return Measurements(
        amounts=amounts,
        missing=missing,
        rates=rates.measure(contenders, budget, progress, floors),
        profiles=_profiles(workspace, budget, progress) if profile.is_possible() else [],
        latencies=_latencies(workspace, budget, progress),
        writers=_writers(workspace, amounts, progress),
        beside_slow=slow_clients.measure(
            workspace, amounts.slow_clients, amounts.slow_seconds, budget, progress
        ),
        beside_batches=big_batch.measure(workspace, budget, progress),
        growth=growth.measure(workspace, amounts.sizes, budget, progress),
        disks=disk.measure(workspace, amounts.disk_events, progress),
        replicas=_replicas(workspace, budget, progress) if workspace.postgres else None,
        consumed=_consumed(workspace, amounts, progress) if with_kafka else None,
        startups=startup.measure(workspace, amounts.starts, progress),
        searched=search.measure(workspace, amounts.search_sizes, budget, progress),
        in_browser=_in_browser(workspace, amounts, progress),
        signing=evidence.measure(workspace, amounts.signed_events, budget, progress),
        under_bombs=memory.measure(workspace, amounts.bombs_seconds, progress),
        machine=machine.describe(workspace.data),
    )


def _profiles(workspace: Workspace, budget: Budget, progress: Progress) -> Sequence[Profile]:
    contenders = catalogue.selected(profile.sampled(workspace), catalogue.PROFILED)
    return profile.measure(contenders, workspace.output, budget, progress)


def _latencies(
    workspace: Workspace, budget: Budget, progress: Progress
) -> Mapping[str, list[Round]]:
    names = (catalogue.NO_OP, catalogue.OURS, catalogue.OURS_POSTGRES)
    beside, *ours = catalogue.selected(workspace, dict.fromkeys(names, (BINARY,)))
    return latency.measure(beside, ours, budget, progress)


def _writers(workspace: Workspace, amounts: Amounts, progress: Progress) -> Results:
    progress("writers that write without a pause")
    names = (catalogue.NAIVE, catalogue.OURS, catalogue.OURS_POSTGRES)
    contenders = catalogue.selected(workspace, dict.fromkeys(names, (QUARTER_KIB,)))
    budget = replace(amounts.budget, rounds=1, seconds=amounts.writers_seconds)
    return rates.measure(contenders, budget, progress)


def _replicas(workspace: Workspace, budget: Budget, progress: Progress) -> Results:
    progress("PostgreSQL with more audit processes")
    return rates.measure(catalogue.replicas(workspace), budget, progress)


def _consumed(workspace: Workspace, amounts: Amounts, progress: Progress) -> Spread:
    return consumer.measure(workspace, amounts.kafka_events, amounts.budget.rounds, progress)


def _in_browser(workspace: Workspace, amounts: Amounts, progress: Progress) -> InBrowser | None:
    return page.measure(workspace, amounts.page, progress) if browser.is_there() else None
