"""Workspace: the folders of a run, and what its servers find on the machine."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import postgres
from bench.machine.postgres import Postgres

CACHE = Path(".bench")


@dataclass(frozen=True)
class Workspace:
    """Folders of a run: `data` on a disk, since an fsync on a tmpfs costs nothing.

    `output`, with what the servers print, is in memory, as a pipe would be: written to the same
    file system it would have to be flushed with each commit. `postgres` is None where there
    is none. `pythons`: those of the environments that could be made, by their names. `environ` is
    what every server finds in its environment besides its settings.
    """

    data: Path
    output: Path
    postgres: Postgres | None = None
    pythons: Mapping[str, Path] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder in `data`, gone afterwards."""
        folder = self.data / uuid.uuid4().hex
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


@contextmanager
def a_workspace(pythons: Mapping[str, Path] | None = None) -> Iterator[Workspace]:
    """Empty folders, and a PostgreSQL server where there are its programs; gone afterwards."""
    shm = Path("/dev/shm")  # noqa: S108 - a folder in memory is what is wanted
    CACHE.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="data-", dir=CACHE) as data,
        tempfile.TemporaryDirectory(prefix="bench-", dir=shm if shm.is_dir() else None) as output,
        postgres.running() if postgres.is_there() else nullcontext() as server,
    ):
        yield Workspace(Path(data).absolute(), Path(output), server, pythons or {})
