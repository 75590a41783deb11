"""Evidence: what a signed log costs who appends, how fast it is signed and verified, and how soon
a proof is there.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

import requests

from audit_service.evidence.integrator import SIGN_SECONDS, Integrator
from audit_service.evidence.log_key import LogKey
from audit_service.evidence.stored_log import StoredLog
from audit_service.evidence.tree_store import key_file, open_tree
from audit_service.evidence.verification import verify
from audit_service.log import database_at, open_log
from audit_service.log.recent_records import RecentRecords
from bench.contenders import servers
from bench.contenders.contender import Contender
from bench.load import searches
from bench.load.wrk import BINARY, batch
from bench.machine.server_process import Running
from bench.machine.workspace import Workspace
from bench.measures import rates
from bench.measures.rates import Results
from bench.measures.rounds import Budget, Progress
from bench.measures.search import fill
from bench.measures.spread import Spread
from service_kit import disk_reserve
from service_kit.process.ordered_work import in_order

PROOFS: Final = 200
UNSIGNED, SIGNED = "not signed", "signed"
LOADS: Final = (BINARY, batch(100))
MOST_MICROSECONDS, LEAST_VERIFIED, MOST_PROOF = 8, 100_000, 5
"""Of processor time an event; events a second; milliseconds."""


@dataclass(frozen=True)
class Evidence:
    """All of a run, on a log of so many events. `microseconds`: of processor time for each event's
    leaf and its share of tiles, checkpoints and commits; `verified`: events a second, in each
    round; `proofs`: milliseconds of the p50 and of the p99, over HTTP; `ingest`: while what came
    is signed, and while nothing is.
    """

    events: int
    microseconds: float
    verified: Spread
    proofs: tuple[float, float]
    ingest: Results


def measure(workspace: Workspace, events: int, budget: Budget, progress: Progress) -> Evidence:
    """All of it, on SQLite."""
    progress("evidence")
    with workspace.folder() as folder:
        url = f"sqlite:///{folder}/events.db"
        fill(url, searches.events(events))
        key = LogKey("", "", key_file(database_at(url)))
        microseconds = _sign(url, key)
        progress(f"{microseconds:.1f} microseconds an event to sign them")
        verified = Spread(tuple(_verify(url, key) for _ in range(budget.rounds)))
        progress(f"{verified.text()} events a second were verified")
        with servers.audit(workspace, url, index="none") as (audit,):
            proofs = _ask_for_proofs(audit, events)
    return Evidence(events, microseconds, verified, proofs, _ingest(workspace, budget, progress))


def _sign(url: str, key: LogKey) -> float:
    """Microseconds of processor time for each event, without reading it."""
    spent = 0.0
    with closing(open_log(url)) as log, closing(open_tree(url)) as tree:
        records = RecentRecords(log)
        # A clock by which a checkpoint is always due: each step signs what it added.
        ticks = iter(range(0, 2**31, int(SIGN_SECONDS) + 1))
        integrator = Integrator(records, tree, key, disk_reserve.always, lambda: next(ticks))
        done = 0
        while records.after(done):
            began = time.process_time()
            done += integrator.step()
            spent += time.process_time() - began
    return spent / done * 1e6


def _verify(url: str, key: LogKey) -> float:
    """Events a second of a verification that holds."""
    began = time.perf_counter()
    with StoredLog(url) as log:
        heads = [head for head, _ in log.heads(key.load().verifier)]
        verified = verify(log, heads, in_order, lambda _: None)
    return verified.events / (time.perf_counter() - began)


def _ask_for_proofs(audit: Running, events: int) -> tuple[float, float]:
    choose = random.Random(events)
    milliseconds = []
    with requests.Session() as session:
        for _ in range(PROOFS):
            url = f"{audit.url}/v1/events/{choose.randrange(events) + 1}/proof"
            began = time.perf_counter()
            answer = session.get(url, timeout=60)
            milliseconds.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
    milliseconds.sort()
    return milliseconds[PROOFS // 2], milliseconds[int(PROOFS * 0.99) - 1]


def _ingest(workspace: Workspace, budget: Budget, progress: Progress) -> Results:
    """Rates of ingest, one after the other in each round."""
    contenders = [
        Contender(UNSIGNED, lambda: _without_a_key(workspace), LOADS),
        Contender(SIGNED, lambda: servers.audit(workspace), LOADS),
    ]
    return rates.measure(contenders, budget, progress)


@contextmanager
def _without_a_key(workspace: Workspace) -> Iterator[Sequence[Running]]:
    with workspace.folder() as folder:
        (folder / "events.db-key").write_text("none\n")
        with servers.audit(workspace, f"sqlite:///{folder}/events.db") as running:
            yield running
