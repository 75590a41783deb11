"""Whether ingest slows down as the log grows: logs of several sizes, side by side.

One log is filled, and copied at each size. Each of them serves in every round, and keeps what
it is sent in the rounds before.
"""

import shutil
from collections.abc import Sequence
from functools import partial

from bench.contenders import services as servers
from bench.contenders.services import Workspace
from bench.load import wrk as load
from bench.measures import disk as prefill
from bench.measures.rates import Budget, Contender, Progress, Results, measure

LOADS = (load.BINARY, load.batch(100), load.batch(100, random_ids=True))


def name(size: int) -> str:
    """What results call the log of that size."""
    return f"{size:,} stored"


def run(workspace: Workspace, sizes: Sequence[int], budget: Budget, progress: Progress) -> Results:
    """Ingest at each of the sizes, which rise."""
    folder = workspace.data / "growth"
    folder.mkdir()
    growing = folder / "growing.db"
    contenders = []
    filled = 0
    for size in sizes:
        progress(f"filling a log with {size:,} events")
        prefill.fill(f"sqlite:///{growing}", size - filled)
        filled = size
        shutil.copy(growing, folder / f"{size}.db")
        start = partial(servers.audit, workspace, f"sqlite:///{folder}/{size}.db")
        contenders.append(Contender(name(size), start, LOADS))
    growing.unlink()
    try:
        return measure(contenders, budget, progress)
    finally:
        shutil.rmtree(folder)
