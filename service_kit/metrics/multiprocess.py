"""Files in which the workers of a service count, so that each can expose the sum of all.

What a worker has counted outlives it: the files of one that died are kept, and summed, until
the service ends.

The library maps files into memory, which ends a process by SIGBUS where the disk has no room for
a page. So each file has its room before the library opens it.
"""

import fcntl
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from service_kit.memory_folder import memory_folder

log = structlog.get_logger()

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_PREFIX = "service-metrics-"

KINDS: Final = ("counter", "histogram")
"""Kinds of metrics that are kept in files, as the library names them: a file of each."""

FILE_BYTES: Final = 256 * 1024
"""Room of a file: for a thousand series and more. An application MUST NOT have as many, since
the library makes a file that is full grow without room.
"""


@contextmanager
def shared_folder(parent: Path | None = None) -> Iterator[Path]:
    """An empty folder for the workers' files, in memory where the system has such a place.

    It is named by `VARIABLE`, which MUST be set before the library is imported, and is removed
    at the end, together with those of services that were killed.
    """
    parent = parent or memory_folder() or Path(tempfile.gettempdir())
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


@contextmanager
def room_for_values() -> Iterator[None]:
    """Have the library, where it is imported in the block, keep values only where there is room.

    A worker without room for its files counts in its own memory, which nobody is shown: the
    others' sum would rise and fall with whoever is asked.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None or _reserve(Path(folder)):
        yield
        return
    del os.environ[VARIABLE]
    try:
        yield
    finally:
        os.environ[VARIABLE] = folder


def _reserve(folder: Path) -> bool:
    """Whether this process has room for its files."""
    files = [folder / f"{kind}_{os.getpid()}.db" for kind in KINDS]
    try:
        for file in files:
            with file.open("ab") as opened:
                os.posix_fallocate(opened.fileno(), 0, FILE_BYTES)
    except OSError as error:
        for file in files:
            file.unlink(missing_ok=True)
        log.warning("no room for metrics: this worker counts none", reason=error.strerror)
        return False
    return True


def worker_died(pid: int) -> None:
    """Give back the room that a worker which ended has not used."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return
    for file in Path(folder).glob(f"*_{pid}.db"):
        with file.open("r+b") as opened:
            # The file begins with how much of it is used.
            used = opened.read(4)
            opened.truncate(struct.unpack("i", used)[0] if used else 0)


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
