"""Big batch: the latency of single events while batches of 10 MB are being read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.contenders import servers
from bench.load import big_batches, open_loop
from bench.load.beside import beside
from bench.load.open_loop import Latency
from bench.load.wrk import BINARY
from bench.machine.workspace import Workspace
from bench.measures.rounds import Broken, Budget, Progress, warm_up
from bench.measures.spread import Spread

RATE = 300
STORED = "204"


@dataclass
class Beside:
    """Rounds of single events beside batches of one kind; `batches`: a second, acknowledged."""

    kind: str
    latencies: list[Latency] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)

    @property
    def p99(self) -> Spread:
        """Milliseconds, of each round."""
        return Spread(tuple(one.p99 for one in self.latencies))


def measure(workspace: Workspace, budget: Budget, progress: Progress) -> Sequence[Beside]:
    """Of each kind, in rounds; our audit service on SQLite, with a log of its own for each."""
    progress("single events beside batches of 10 MB")
    found = [Beside(kind) for kind in big_batches.KINDS]
    for number in range(1, budget.rounds + 1):
        for each in found:
            _add_round(each, workspace, budget)
            p99, batches = each.latencies[-1].p99, each.batches[-1]
            progress(f"{number}: beside {each.kind}, {batches:.1f} a second: p99 {p99:.1f} ms")
    return found


def _add_round(each: Beside, workspace: Workspace, budget: Budget) -> None:
    with servers.audit(workspace) as (server, *_):
        warm_up(server, BINARY, budget)
        with beside(big_batches.__name__, each.kind, server.url) as statuses:
            each.latencies.append(open_loop.send(server.url, RATE, budget.seconds))
    if budget.strict and set(statuses) - {STORED}:
        raise Broken(f"batches of {each.kind} were answered {', '.join(sorted(set(statuses)))}")
    each.batches.append(statuses.count(STORED) / budget.seconds)
