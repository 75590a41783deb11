"""Log used by several processes, or several threads, at once."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from audit_service.log import Backend, EventLog, Outcome
from tests.support import log_processes
from tests.support.log_databases import SqliteStore, Store, everything, positions
from tests.support.log_processes import PROCESSES, event


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    spawn = get_context("spawn")
    barrier = spawn.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, spawn, log_processes.meet_at, (barrier,)) as pool:
        yield pool


def results(futures: Sequence[Future[Any]]) -> list[Any]:
    faults = [future.exception(60) for future in futures]
    assert faults == [None] * len(faults)
    return [future.result() for future in futures]


def test_positions_have_no_gap_and_no_repeat_among_processes(
    backend: Backend, store: Store, processes: ProcessPoolExecutor
) -> None:
    batches = [
        [[event(f"{p}-{n}-{i}") for i in range(n % 3 + 1)] + [event("shared")] for n in range(30)]
        for p in range(PROCESSES)
    ]
    given = results([processes.submit(log_processes.append_each, store.url, b) for b in batches])
    stored = [r.position for each in given for r in each if r.outcome is Outcome.STORED]
    total = sum(n % 3 + 1 for n in range(30)) * PROCESSES + 1
    assert sorted(stored) == [*range(1, total + 1)]
    for receipts, sent in zip(given, batches, strict=True):
        for receipt, each in zip(receipts, itertools.chain(*sent), strict=True):
            found = backend.get(receipt.position)
            assert found is not None
            assert found.event.id == each.id
    assert positions(everything(backend)) == [*range(total, 0, -1)]


def test_positions_have_no_gap_for_a_reader_among_threads(backend: Backend) -> None:
    log, threads, each = EventLog(backend, timeout=60), 8, 20
    together, done = threading.Barrier(threads + 1, timeout=60), threading.Event()

    def append(name: int) -> list[int]:
        together.wait()
        return [log.append([event(f"{name}-{n}")])[0].position for n in range(each)]

    def read() -> int:
        together.wait()
        reads = 0
        while not done.is_set():
            seen = positions(everything(backend))
            assert seen == [*range(len(seen), 0, -1)]
            reads += 1
        return reads

    with ThreadPoolExecutor(threads + 1) as pool:
        reader = pool.submit(read)
        appenders = [pool.submit(append, name) for name in range(threads)]
        try:
            given = results(appenders)
        finally:
            done.set()
        assert reader.result(60) > 0
    assert sorted(itertools.chain(*given)) == [*range(1, threads * each + 1)]
    assert all(mine == sorted(mine) for mine in given)


def test_migrations_by_several_processes_at_once_are_safe(
    tmp_path: Path, processes: ProcessPoolExecutor
) -> None:
    stores = [SqliteStore(tmp_path / str(n) / "events.db") for n in range(60)]
    urls = [store.url for store in stores]
    results([processes.submit(log_processes.migrate_each, urls) for _ in range(PROCESSES)])
