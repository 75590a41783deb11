"""Memory: what each worker takes under steady load while bombs are thrown at both services."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
import uuid_utils

from bench.contenders import servers
from bench.load import bombs
from bench.load.bombs import Bomb
from bench.machine.server_process import Running
from bench.machine.workspace import Workspace
from bench.measures.rounds import Progress

AT_ONCE: Final = 16
"""How many of one bomb are sent at once."""
STEADY_RATE: Final = 50
USER_RATE: Final = 2
SAMPLE_SECONDS: Final = 0.25
BOUND_MIB: Final = 400


@dataclass(frozen=True)
class WorkerMemory:
    """RSS of a worker in MiB: samples, each with its second, and the peak that the kernel saw."""

    role: str
    samples: Sequence[tuple[float, float]]
    peak: float
    survived: bool


@dataclass
class Answers:
    """Answers to the same request: how many of each status, and the seconds of each."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, status: int, seconds: float) -> None:
        """Count one."""
        self.statuses[status] += 1
        self.seconds.append(seconds)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[int(len(ordered) * 0.99)] * 1000


@dataclass(frozen=True)
class UnderBombs:
    """All of a run. `steady`: by what was sent; `thrown`: by the bomb."""

    seconds: float
    workers: Sequence[WorkerMemory]
    steady: Mapping[str, Answers]
    thrown: Mapping[str, Answers]


def measure(workspace: Workspace, seconds: float, progress: Progress) -> UnderBombs:
    """Steady load for so long, and every bomb in turn, at least once."""
    progress("memory under bombs")
    steady = {"events": Answers(), "users": Answers(), "`/livez`": Answers()}
    thrown: dict[str, Answers] = {}
    with servers.users(workspace) as (users, audit):
        bombs.fill_pages(audit.url)
        watched = {f"{one.name}, worker": one for one in (audit, users)}
        sampler = _Sampler(watched)
        with _beside(_sends(users, audit, steady), sampler.sample_all):
            _throw_all(users, audit, seconds, thrown, progress)
        return UnderBombs(seconds, sampler.found(), steady, thrown)


def _throw_all(
    users: Running,
    audit: Running,
    seconds: float,
    thrown: dict[str, Answers],
    progress: Progress,
) -> None:
    end = time.monotonic() + seconds
    rounds = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while not rounds or time.monotonic() < end:
            for server, each in ((audit, bombs.EVENT_BOMBS), (users, bombs.USER_BOMBS)):
                for bomb in each:
                    answers = thrown.setdefault(bomb.name, Answers())
                    list(pool.map(partial(_throw, server, bomb, answers), range(AT_ONCE)))
            rounds += 1
            progress(f"every bomb was thrown {rounds} times")


def _throw(server: Running, bomb: Bomb, answers: Answers, _: int) -> None:
    began = time.monotonic()
    status = bombs.send(urlsplit(server.url).port or 0, bomb)
    answers.add(status, time.monotonic() - began)


def _sends(
    users: Running, audit: Running, steady: Mapping[str, Answers]
) -> Sequence[tuple[float, Callable[[], None]]]:
    """What is sent beside, and how often a second."""
    session = requests.Session()
    created = requests.Session()
    return [
        (STEADY_RATE, partial(_answered, steady["events"], partial(_post_event, session, audit))),
        (USER_RATE, partial(_answered, steady["users"], partial(_post_user, created, users))),
        (1, partial(_answered, steady["`/livez`"], partial(_livez, audit))),
    ]


def _answered(answers: Answers, send: Callable[[], int]) -> None:
    began = time.monotonic()
    try:
        status = send()
    except requests.RequestException:
        status = bombs.NO_ANSWER
    answers.add(status, time.monotonic() - began)


def _post_event(session: requests.Session, audit: Running) -> int:
    headers = {"ce-specversion": "1.0", "ce-source": "/steady", "ce-type": "t"}
    headers |= {"ce-id": str(uuid_utils.uuid7()), "Content-Type": "application/json"}
    return session.post(audit.url, data=b'{"a": 1}', headers=headers, timeout=60).status_code


def _post_user(session: requests.Session, users: Running) -> int:
    body = {"name": "Ozzy Osbourne", "password": "12345"}
    return session.post(f"{users.url}/v1/user", json=body, timeout=60).status_code


def _livez(audit: Running) -> int:
    return requests.get(f"{audit.url}/livez", timeout=60).status_code


@contextmanager
def _beside(
    sends: Sequence[tuple[float, Callable[[], None]]], sample: Callable[[], None]
) -> Iterator[None]:
    """Each of them in a thread of its own, while the block runs."""
    stop = threading.Event()
    every = [(1 / rate, send) for rate, send in sends] + [(SAMPLE_SECONDS, sample)]
    threads = [threading.Thread(target=_repeat, args=(*each, stop)) for each in every]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _repeat(interval: float, do: Callable[[], None], stop: threading.Event) -> None:
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        do()
        due = max(due + interval, time.monotonic())


class _Sampler:
    """Samples of the workers that there are at the beginning."""

    def __init__(self, watched: Mapping[str, Running]) -> None:
        self._began = time.monotonic()
        self._watched = watched
        self._samples: dict[tuple[str, int], list[tuple[float, float]]] = {
            (role, pid): [] for role, server in watched.items() for pid in server.workers()
        }
        self._peaks: dict[int, float] = {}

    def sample_all(self) -> None:
        """One sample of each that is still there."""
        for (_, pid), samples in self._samples.items():
            status = Path(f"/proc/{pid}/status")
            if status.exists():
                numbers = dict(line.split(":", 1) for line in status.read_text().splitlines())
                samples.append((time.monotonic() - self._began, _mib(numbers["VmRSS"])))
                self._peaks[pid] = _mib(numbers["VmHWM"])

    def found(self) -> Sequence[WorkerMemory]:
        """What was sampled."""
        there = {pid for server in self._watched.values() for pid in server.workers()}
        return [
            WorkerMemory(role, samples, self._peaks[pid], pid in there)
            for (role, pid), samples in self._samples.items()
        ]


def _mib(kib: str) -> float:
    return int(kib.split(maxsplit=1)[0]) / 1024
