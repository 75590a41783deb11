"""Standard outputs that cannot be written to, until they are mended."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.support.faults import disks
from tests.support.pipes import Pipe

PIPE_BYTES = 4096


class Output(Protocol):
    """An output. `fd`: what a process is to be given as its standard output.

    `is_noticed_at_once`: whether the first line that cannot be written fails, and not only hangs.
    """

    is_noticed_at_once: bool

    @property
    def fd(self) -> int: ...

    def spoil(self) -> None:
        """Have nothing be written any more."""

    def mend(self) -> None:
        """Have it be written again."""

    def text(self) -> str:
        """What was written, and read where it takes somebody to read it."""


class FullDisk:
    """A file on a disk that is full."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "output"
        self._ballast = disks.Ballast(folder)
        self.is_noticed_at_once = True
        self.fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def spoil(self) -> None:
        self._ballast.take_all()

    def mend(self) -> None:
        self._ballast.let_go()

    def text(self) -> str:
        return self._path.read_text()


class PipeOutput:
    """A pipe whose reader is stuck, or gone."""

    def __init__(self, pipe: Pipe, *, gone: bool) -> None:
        self._pipe = pipe
        self._gone = self.is_noticed_at_once = gone
        self.fd = pipe.writing

    def spoil(self) -> None:
        if self._gone:
            self._pipe.close_reading()

    def mend(self) -> None:
        self._pipe.start_reading()

    def text(self) -> str:
        return self._pipe.read.decode()


@contextmanager
def full_disk(folder: Path) -> Iterator[Output]:
    """A file on a disk that is full; it takes root."""
    with disks.small(folder / "output-disk") as disk:
        output = FullDisk(disk)
        try:
            yield output
        finally:
            os.close(output.fd)


@contextmanager
def stuck_reader(_: Path) -> Iterator[Output]:
    """A pipe whose reader does not read."""
    with Pipe(PIPE_BYTES) as pipe:
        yield PipeOutput(pipe, gone=False)


@contextmanager
def no_reader(folder: Path) -> Iterator[Output]:
    """A pipe whose reader is gone; another may come, as it has a name."""
    with Pipe(PIPE_BYTES, folder / "output-pipe") as pipe:
        yield PipeOutput(pipe, gone=True)
