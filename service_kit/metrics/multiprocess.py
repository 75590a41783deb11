"""Files in which the workers of a service count, so that each can expose the sum of all.

What a worker has counted outlives it: the files of one that died are kept, and summed, until
the service ends.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_PREFIX = "service-metrics-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a file of it has a name that nobody can foresee


@contextmanager
def shared_folder(parent: Path | None = None) -> Iterator[Path]:
    """An empty folder for the workers' files, in memory where the system has such a place.

    It is named by `VARIABLE`, which MUST be set before the library is imported, and is removed
    at the end, together with those of services that were killed.
    """
    parent = parent or (_MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir()))
    _remove_abandoned(parent)
    folder, lock = _new_folder(parent)
    os.environ[VARIABLE] = str(folder)
    owner = os.getpid()
    try:
        yield folder
    finally:
        # A worker that ends, which is a fork of this process, comes by here too.
        if os.getpid() == owner:
            os.environ.pop(VARIABLE, None)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def worker_died(pid: int) -> None:
    """Drop the gauges of a worker that ended."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)


def _new_folder(parent: Path) -> tuple[Path, int]:
    """A new folder, and a lock on it that lasts as long as any process of the service."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        # Another service that started took it for abandoned.
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders that killed services left."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            continue  # Another user's, or just removed.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass  # Its service runs.
        finally:
            os.close(lock)
