"""A pipe that is read only when a test says so."""

import fcntl
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self


class Pipe:
    """A pipe. `writing`: the descriptor to write to; `read`: everything that was read."""

    def __init__(self, size: int, name: Path | None = None) -> None:
        """With a `name` there may be another reader once the first is gone."""
        self._name = name
        self._reading: int | None
        if name is None:
            self._reading, self.writing = os.pipe()
        else:
            os.mkfifo(name)
            self._reading = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            self.writing = os.open(name, os.O_WRONLY)
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, size)
        self.read = bytearray()
        self._done: int | None = None
        self._reader = threading.Thread()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_reading()
        self.close_reading()
        os.close(self.writing)

    def close_reading(self) -> None:
        """Have its reader be gone."""
        if self._reading is not None:
            os.close(self._reading)
            self._reading = None

    def start_reading(self) -> None:
        """Read all that is written from now on."""
        if self._reading is None:
            assert self._name is not None
            self._reading = os.open(self._name, os.O_RDONLY | os.O_NONBLOCK)
        done, self._done = os.pipe()
        self._reader = threading.Thread(target=self._read_until, args=(self._reading, done))
        self._reader.start()

    def stop_reading(self) -> None:
        """Read what there is, and no more."""
        if self._done is not None:
            os.close(self._done)
            self._reader.join()
            self._done = None

    @contextmanager
    def being_read(self) -> Iterator[None]:
        """Read all that is written within the block."""
        self.start_reading()
        try:
            yield
        finally:
            self.stop_reading()

    def _read_until(self, reading: int, done: int) -> None:
        waiting = select.poll()
        for fd in (reading, done):
            waiting.register(fd, select.POLLIN)
        while ready := dict(waiting.poll()):
            if reading in ready and (piece := os.read(reading, 65536)):
                self.read += piece
            elif done in ready:
                os.close(done)
                return
