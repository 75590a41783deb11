"""Servers of the contenders: ours and the peers, each as real processes."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.contenders.environments import FRAMEWORK, GRANIAN
from bench.machine import postgres
from bench.machine.server_process import Running, free_port, serving
from bench.machine.workspace import Workspace

BIN = Path(sys.executable).parent
GRANIAN_OPTIONS = (
    *("--interface", "wsgi", "--host", "127.0.0.1", "--workers", "2", "--blocking-threads", "8"),
    *("--log-level", "error"),
)
CHEAPEST_HASHING = {"USER_SERVICE_ARGON2_MEMORY_KIB": 8, "USER_SERVICE_ARGON2_ITERATIONS": 1}


@contextmanager
def peer(workspace: Workspace, name: str) -> Iterator[Sequence[Running]]:
    """The peer `bench.contenders.peers.name`, with an empty database where it has one."""
    port = free_port()
    python = workspace.pythons[FRAMEWORK.name] if name == "framework" else sys.executable
    command = [str(python), "-m", "bench.contenders.serve", name, str(port)]
    with (
        workspace.folder() as folder,
        _peer(workspace, name, command, port, {"NAIVE_DATABASE": folder / "naive.db"}) as running,
    ):
        yield [running]


@contextmanager
def peer_under_granian(workspace: Workspace, name: str) -> Iterator[Sequence[Running]]:
    """The same, where it has no database, under granian with as many workers and threads."""
    port = free_port()
    command = [str(workspace.pythons[GRANIAN.name]), "-m", "granian", *GRANIAN_OPTIONS]
    command += ["--port", str(port), "--factory", f"bench.contenders.peers.{name}:create_app"]
    with _peer(workspace, f"{name} under granian", command, port, {}) as running:
        yield [running]


@contextmanager
def _peer(
    workspace: Workspace,
    name: str,
    command: Sequence[str],
    port: int,
    settings: Mapping[str, object],
) -> Iterator[Running]:
    found = {**settings, **workspace.environ}
    output = workspace.output
    with serving(name, command, port=port, output=output, settings=found, ready="/") as running:
        yield running


@contextmanager
def audit(
    workspace: Workspace,
    url: str | None = None,
    workers: int = 2,
    *,
    index: Path | str | None = None,
) -> Iterator[Sequence[Running]]:
    """Our audit service on the log at `url`, or on an empty one of its own in SQLite.

    `index`: its file, in place of an empty one, or `none`.
    """
    with workspace.folder() as folder:
        settings = {
            "AUDIT_SERVICE_DATABASE_URL": url or f"sqlite:///{folder}/events.db",
            "AUDIT_SERVICE_INDEX": index or folder / "index",
            "AUDIT_SERVICE_WORKERS": workers,
        }
        bind = "AUDIT_SERVICE_BIND"
        with our_server(workspace, "audit-service run", bind, settings, workers) as running:
            yield [running]


@contextmanager
def audit_on_postgres(workspace: Workspace, workers: int = 2) -> Iterator[Sequence[Running]]:
    """The same on an empty PostgreSQL database."""
    if workspace.postgres is None:
        raise RuntimeError(postgres.HOW_TO_GET_IT)
    with workspace.postgres.database() as url, audit(workspace, url, workers) as running:
        yield running


@contextmanager
def users(workspace: Workspace, *, cheapest_hashing: bool = False) -> Iterator[Sequence[Running]]:
    """Our user service, in direct delivery, and the audit service that is its sink.

    Both on empty SQLite files; the user service has its default of 16 threads, since a
    quarter of them never waits for the sink.
    """
    with audit(workspace) as sink, workspace.folder() as folder:
        settings = {
            "USER_SERVICE_DATABASE_URL": f"sqlite:///{folder}/users.db",
            "USER_SERVICE_SINK": sink[0].url,
            **(CHEAPEST_HASHING if cheapest_hashing else {}),
        }
        with our_server(workspace, "user-service run", "USER_SERVICE_BIND", settings) as running:
            yield [running, *sink]


@contextmanager
def our_server(
    workspace: Workspace,
    command: str,
    bind: str,
    settings: Mapping[str, object],
    workers: int = 2,
) -> Iterator[Running]:
    """A command of ours, on a free port that is told it by the setting `bind`."""
    port = free_port()
    name, *arguments = command.split()
    with serving(
        name,
        [str(BIN / name), *arguments],
        port=port,
        output=workspace.output,
        settings={bind: f"127.0.0.1:{port}", **settings, **workspace.environ},
        workers=workers,
    ) as running:
        yield running
