"""Catalogue of the contenders, by the names that they have on the page."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bench.contenders import environments, servers
from bench.contenders.contender import Contender
from bench.load.wrk import BINARY, STRUCTURED, USER, Load, batch
from bench.machine.workspace import Workspace

NO_OP = "Flask no-op, 204"
PRINTING = "printing only, on the SDK"
NO_OP_GRANIAN = "Flask no-op under granian"
PRINTING_GRANIAN = "printing only under granian"
FRAMEWORK = "functions-framework, printing only"
NAIVE = "naive durable, SQLite"
OURS = "ours, durable, SQLite"
OURS_POSTGRES = "ours, durable, PostgreSQL"
USERS = "user service, direct"
USERS_CHEAP = "user service, direct, cheapest hashing"

# Single events over more connections than there are threads.
CROWDED = tuple(replace(BINARY, connections=number) for number in (16, 64, 256))
INGEST = (BINARY, STRUCTURED, *(batch(size) for size in (1, 10, 100, 500, 1000)))
# Of whom it is told where their time goes.
PROFILED: dict[str, tuple[Load, ...]] = {
    NO_OP: (BINARY,),
    PRINTING: (BINARY,),
    OURS: (BINARY, batch(500)),
    USERS_CHEAP: (USER,),
    USERS: (USER,),
}
# Audit processes on one PostgreSQL database.
PROCESSES = {1: "1 process", 2: "2 processes", 4: "4 processes"}
PROCESS_LOADS = (BINARY, batch(100))


def contenders(workspace: Workspace) -> list[Contender]:
    """All of those for whom the workspace has what they need."""
    peer, users = partial(servers.peer, workspace), partial(servers.users, workspace)
    under_granian = partial(servers.peer_under_granian, workspace)
    single, user = (BINARY,), (USER,)
    ingest = (*CROWDED, *INGEST[1:])
    found = [
        Contender(NO_OP, partial(peer, "no_op"), CROWDED),
        Contender(PRINTING, partial(peer, "printing"), CROWDED),
        Contender(NO_OP_GRANIAN, partial(under_granian, "no_op"), single),
        Contender(PRINTING_GRANIAN, partial(under_granian, "printing"), single),
        Contender(FRAMEWORK, partial(peer, "framework"), single),
        Contender(NAIVE, partial(peer, "naive"), single),
        Contender(OURS, partial(servers.audit, workspace), ingest),
        Contender(USERS, users, user),
        Contender(USERS_CHEAP, partial(users, cheapest_hashing=True), user),
        Contender(OURS_POSTGRES, partial(servers.audit_on_postgres, workspace), ingest),
    ]
    granian = workspace.pythons.get(environments.GRANIAN.name)
    needs = {
        NO_OP_GRANIAN: granian,
        PRINTING_GRANIAN: granian,
        FRAMEWORK: workspace.pythons.get(environments.FRAMEWORK.name),
        OURS_POSTGRES: workspace.postgres,
    }
    return [one for one in found if needs.get(one.name, workspace) is not None]


def selected(workspace: Workspace, loads: dict[str, tuple[Load, ...]]) -> list[Contender]:
    """Those that are named, with these loads instead of all of theirs."""
    found = {one.name: one for one in contenders(workspace)}
    return [replace(found[name], loads=these) for name, these in loads.items() if name in found]


def replicas(workspace: Workspace) -> Sequence[Contender]:
    """The audit service on PostgreSQL with one process and with more."""
    return [
        Contender(name, partial(servers.audit_on_postgres, workspace, number), PROCESS_LOADS)
        for number, name in PROCESSES.items()
    ]
