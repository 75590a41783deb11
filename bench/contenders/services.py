"""Servers that are measured, ours and the peers, and how each is started."""

import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.machine.server_process import Running, free_port, serving
from tests.support import postgres

BIN = Path(sys.executable).parent
CHEAPEST_HASHING = {"USER_SERVICE_ARGON2_MEMORY_KIB": 8, "USER_SERVICE_ARGON2_ITERATIONS": 1}


@dataclass(frozen=True)
class Workspace:
    """Where a run keeps its files. `data` is on a disk: an fsync on a tmpfs costs nothing.

    `output`, with what the servers print, is in memory, as a pipe would be: written to the same
    file system it would have to be flushed with each commit. `postgres` is None where there
    is none; `framework` is the Python that has functions-framework, None likewise. `environ` is
    what every server finds in its environment besides its settings.
    """

    data: Path
    output: Path
    postgres: postgres.Server | None
    framework: Path | None
    environ: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def a_workspace(cache: Path, framework: Path | None) -> Iterator[Workspace]:
    """Empty folders, and a PostgreSQL server where there are its programs; gone afterwards."""
    shm = Path("/dev/shm")  # noqa: S108
    cache.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="data-", dir=cache) as data,
        tempfile.TemporaryDirectory(prefix="bench-", dir=shm if shm.is_dir() else None) as output,
    ):
        workspace = Workspace(Path(data).absolute(), Path(output), None, framework)
        if not postgres.is_there():
            yield workspace
            return
        with postgres.running() as server:
            yield replace(workspace, postgres=server)


@contextmanager
def peer(workspace: Workspace, name: str) -> Iterator[Sequence[Running]]:
    """The peer `bench.contenders.peers.name`, with an empty database where it has one."""
    port = free_port()
    python = workspace.framework if name == "framework" else Path(sys.executable)
    command = [str(python), "-m", "bench.contenders.serve", name, str(port)]
    with _folder(workspace) as folder:
        settings = {"NAIVE_DATABASE": folder / "naive.db", **workspace.environ}
        with serving(
            name, command, port=port, output=workspace.output, settings=settings, ready="/"
        ) as running:
            yield [running]


@contextmanager
def audit(
    workspace: Workspace, url: str | None = None, workers: int = 2, name: str = "audit-service"
) -> Iterator[Sequence[Running]]:
    """Our audit service on the log at `url`, or on an empty one of its own in SQLite."""
    port = free_port()
    with _folder(workspace) as folder:
        settings = {
            "AUDIT_SERVICE_BIND": f"127.0.0.1:{port}",
            "AUDIT_SERVICE_DATABASE_URL": url or f"sqlite:///{folder}/events.db",
            "AUDIT_SERVICE_WORKERS": workers,
            "AUDIT_SERVICE_THREADS": 8,
            **workspace.environ,
        }
        command = [str(BIN / "audit-service"), "run"]
        with serving(
            name, command, port=port, output=workspace.output, settings=settings, workers=workers
        ) as running:
            yield [running]


@contextmanager
def audit_on_postgres(workspace: Workspace, workers: int = 2) -> Iterator[Sequence[Running]]:
    """The same on an empty PostgreSQL database."""
    with empty_database(workspace) as url, audit(workspace, url, workers) as running:
        yield running


@contextmanager
def users(workspace: Workspace, *, cheapest_hashing: bool = False) -> Iterator[Sequence[Running]]:
    """Our user service, in direct delivery, and the audit service that is its sink.

    Both on empty SQLite files; the user service has its default of 16 threads, since a
    quarter of them never waits for the sink.
    """
    port = free_port()
    with audit(workspace) as sink, _folder(workspace) as folder:
        settings = {
            "USER_SERVICE_BIND": f"127.0.0.1:{port}",
            "USER_SERVICE_DATABASE_URL": f"sqlite:///{folder}/users.db",
            "USER_SERVICE_SINK": sink[0].url,
            **(CHEAPEST_HASHING if cheapest_hashing else {}),
            **workspace.environ,
        }
        command = [str(BIN / "user-service"), "run"]
        with serving(
            "user-service", command, port=port, output=workspace.output, settings=settings
        ) as running:
            yield [running, *sink]


@contextmanager
def empty_database(workspace: Workspace) -> Iterator[str]:
    """The URL of a PostgreSQL database, gone afterwards."""
    if workspace.postgres is None:
        raise RuntimeError(postgres.HOW_TO_GET_IT)
    name = f"bench_{uuid.uuid4().hex}"
    url = workspace.postgres.new_database(name)
    try:
        yield url
    finally:
        workspace.postgres.drop_database(name)


@contextmanager
def _folder(workspace: Workspace) -> Iterator[Path]:
    folder = workspace.data / uuid.uuid4().hex
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
