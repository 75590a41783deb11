"""A small disk that can be filled, and a disk that fails to keep what it was given."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.processes import Service
from tests.support.waiting import wait_until

CHUNK = 4096
SIZE = "16m"


def can_mount() -> bool:
    """Whether a small disk can be made here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def can_inject() -> bool:
    """Whether system calls can be made to fail here."""
    return shutil.which("strace") is not None


@contextmanager
def small(folder: Path) -> Iterator[Path]:
    """A disk of its own in `folder`, in memory, gone at the end of the block."""
    folder.mkdir()
    options = ["-o", f"size={SIZE},mode=0777"]
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        # Lazily, so that a process that still has a file there does not keep it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder is on a read-only disk until the end of the block, for who opens a file anew.

    A mount with open files does not become read-only; another of the same disk, over it, does.
    """
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free_bytes(folder: Path) -> int:
    """The bytes that are free on the folder's disk."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Ballast:
    """A file that takes all the room that is left on a disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def take_all(self) -> None:
        """Take what is free now; what others let go of later is free again."""
        with suppress(OSError), self._path.open("ab", buffering=0) as file:
            while file.write(bytes(CHUNK)):
                pass

    def leave(self, free: int) -> None:
        """Take all but so many bytes."""
        with self._path.open("ab", buffering=0) as file:
            file.write(bytes(max(0, free_bytes(self._path.parent) - free)))

    def let_go(self) -> None:
        """Leave all of it to others."""
        self._path.unlink(missing_ok=True)


@contextmanager
def failing_to_sync(service: Service) -> Iterator[None]:
    """Each fsync and fdatasync of the service's processes is EIO until the end of the block."""
    tracers: dict[int, subprocess.Popen[bytes]] = {}

    def all_are_traced() -> bool:
        # One that is forked just while its parent is attached to is missed: it gets its own.
        for pid in service.pids():
            if pid not in tracers and not _is_traced(Path(f"/proc/{pid}")):
                tracers[pid] = _failing_to_sync(pid)
        return all(_is_traced(task) for pid in service.pids() for task in _tasks(pid))

    try:
        wait_until(all_are_traced)
        yield
    finally:
        for tracer in tracers.values():
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)


def _failing_to_sync(pid: int) -> subprocess.Popen[bytes]:
    inject = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    return subprocess.Popen(
        ["strace", "-f", "-qq", *inject, "-p", str(pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _tasks(pid: int) -> Iterator[Path]:
    return Path(f"/proc/{pid}/task").iterdir()


def _is_traced(task: Path) -> bool:
    return "TracerPid:\t0" not in (task / "status").read_text()
