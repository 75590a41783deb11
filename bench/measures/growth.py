"""Growth: whether ingest slows down as the log grows, on logs of several sizes side by side.

One log is filled, and copied at each size. Each of them serves in every round, and keeps what
it is sent in the rounds before.
"""

import shutil
from collections.abc import Sequence
from functools import partial

from bench.contenders import servers
from bench.contenders.contender import Contender
from bench.load.wrk import BINARY, batch
from bench.machine.workspace import Workspace
from bench.measures import rates
from bench.measures.disk import fill
from bench.measures.rates import Results
from bench.measures.rounds import Budget, Progress

LOADS = (BINARY, batch(100), batch(100, random_ids=True))


def name_of(size: int) -> str:
    """The name of the log of that size in the results."""
    return f"{size:,} stored"


def measure(
    workspace: Workspace, sizes: Sequence[int], budget: Budget, progress: Progress
) -> Results:
    """Ingest at each of the sizes, which rise."""
    progress("growth")
    contenders = []
    filled = 0
    with workspace.folder() as folder:
        growing = folder / "growing.db"
        for size in sizes:
            progress(f"filling a log with {size:,} events")
            fill(f"sqlite:///{growing}", size - filled)
            filled = size
            shutil.copy(growing, folder / f"{size}.db")
            start = partial(servers.audit, workspace, f"sqlite:///{folder}/{size}.db")
            contenders.append(Contender(name_of(size), start, LOADS))
        growing.unlink()
        return rates.measure(contenders, budget, progress)
