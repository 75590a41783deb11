"""Search: what an index costs, how fast it is made and followed, and how soon queries answer."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import requests

from audit_service.log import EventLog, migrate, open_log
from bench.contenders import servers
from bench.contenders.contender import Contender
from bench.load import searches
from bench.load.searches import Question
from bench.load.wrk import BINARY, batch
from bench.machine.server_process import Running
from bench.machine.usage import seconds_of
from bench.machine.workspace import Workspace
from bench.measures import rates
from bench.measures.rates import Results
from bench.measures.rounds import Budget, Progress

COMMIT = 1000
ASKED = 100
WITHOUT, WITH = "without an index", "with its index"
LOADS = (BINARY, batch(100))


@dataclass(frozen=True)
class AtSize:
    """A log of that many events: milliseconds of each question, p50 and p99; its index: events a
    second while it was made, microseconds of processor time and bytes an event.
    """

    events: int
    answers: Mapping[str, tuple[float, float]]
    per_second: float
    microseconds: float
    bytes: float


@dataclass(frozen=True)
class Searched:
    """All of a run. `ingest`: with an index that follows, and without one."""

    sizes: Sequence[AtSize]
    ingest: Results


def measure(
    workspace: Workspace, sizes: Sequence[int], budget: Budget, progress: Progress
) -> Searched:
    """Queries at each of the sizes, which rise, and ingest beside the index."""
    progress("search")
    found = []
    source = searches.events(max(sizes, default=0))
    filled = 0
    with workspace.folder() as folder:
        url = f"sqlite:///{folder}/events.db"
        for size in sizes:
            progress(f"filling a log with {size:,} events")
            fill(url, islice(source, size - filled))
            filled = size
            found.append(_at_size(workspace, folder, url, size, progress))
    return Searched(found, _ingest(workspace, budget, progress))


def fill(url: str, events: Iterator[Any]) -> None:
    """Append the events to the log at `url`, which is made where there is none."""
    migrate(url)
    with closing(open_log(url)) as backend:
        log = EventLog(backend)
        while part := list(islice(events, COMMIT)):
            log.append(part)


def _at_size(workspace: Workspace, folder: Path, url: str, size: int, progress: Progress) -> AtSize:
    index = folder / "index"
    for each in folder.glob("index*"):
        each.unlink()
    with servers.audit(workspace, url, index=index) as (audit,):
        began, indexer = time.perf_counter(), _indexer(audit)
        while _status(audit)["lag"]:
            time.sleep(0.05)
        seconds, processor = time.perf_counter() - began, seconds_of(indexer)
        taken = _status(audit)["bytes"]
        progress(f"{size:,} events: {size / seconds:,.0f} a second were indexed")
        answers = {one.name: _asked(audit, one, size) for one in searches.QUESTIONS}
    return AtSize(size, answers, size / seconds, processor / size * 1e6, taken / size)


def _indexer(audit: Running) -> int:
    """The process that follows the log."""
    while not audit.indexers():
        time.sleep(0.01)
    return audit.indexers()[0]


def _status(audit: Running) -> dict[str, Any]:
    status: dict[str, Any] = requests.get(f"{audit.url}/v1/status", timeout=60).json()["index"]
    return status


def _asked(audit: Running, question: Question, size: int) -> tuple[float, float]:
    """The median and the p99 of so many askings, each of another event."""
    choose = random.Random(question.name)
    milliseconds = []
    with requests.Session() as session:
        for _ in range(ASKED):
            path = question.path(_event(session, audit, choose.randrange(size) + 1))
            began = time.perf_counter()
            answer = session.get(f"{audit.url}{path}", timeout=60)
            milliseconds.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
    milliseconds.sort()
    return milliseconds[ASKED // 2], milliseconds[int(ASKED * 0.99) - 1]


def _event(session: requests.Session, audit: Running, position: int) -> Mapping[str, str]:
    event = session.get(f"{audit.url}/v1/events/{position}", timeout=60).json()["event"]
    return {**event, **event["data"], "id": event["id"]}


def _ingest(workspace: Workspace, budget: Budget, progress: Progress) -> Results:
    """Rates of ingest, one after the other in each round."""
    contenders = [
        Contender(WITHOUT, lambda: servers.audit(workspace, index="none"), LOADS),
        Contender(WITH, lambda: servers.audit(workspace), LOADS),
    ]
    return rates.measure(contenders, budget, progress)
