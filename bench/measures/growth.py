"""Whether ingest slows down as the log grows: logs of several sizes, side by side.

One log is filled, and copied at each size. Each of them serves in every round, and keeps what
it is sent in the rounds before.
"""

import shutil
from collections.abc import Sequence
from functools import partial

from bench.contenders import services as servers
from bench.contenders.services import Place
from bench.load import wrk as load
from bench.measures import disk as prefill
from bench.measures.rates import Effort, Entrant, Results, Say, measure

LOADS = (load.BINARY, load.batch(100), load.batch(100, random_ids=True))


def name(size: int) -> str:
    """What results call the log of that size."""
    return f"{size:,} stored"


def run(place: Place, sizes: Sequence[int], effort: Effort, say: Say) -> Results:
    """Ingest at each of the sizes, which rise."""
    folder = place.data / "growth"
    folder.mkdir()
    growing = folder / "growing.db"
    entrants = []
    filled = 0
    for size in sizes:
        say(f"filling a log with {size:,} events")
        prefill.fill(f"sqlite:///{growing}", size - filled)
        filled = size
        shutil.copy(growing, folder / f"{size}.db")
        start = partial(servers.audit, place, f"sqlite:///{folder}/{size}.db")
        entrants.append(Entrant(name(size), start, LOADS))
    growing.unlink()
    try:
        return measure(entrants, effort, say)
    finally:
        shutil.rmtree(folder)
