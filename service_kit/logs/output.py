"""Output of a process's lines: standard output, at once or by a line writer."""

import atexit
import os
import sys
from collections.abc import Callable
from typing import Final

from service_kit.logs.line_writer import LineWriter

STDOUT: Final = 1
CLOSE_SECONDS: Final = 1.0


class Output:
    """Where every line of this process goes. Safe for any number of threads.

    Writing MUST NOT fail whoever logs: what cannot be written is lost, and counted.
    """

    def __init__(self, lost_line: Callable[[int], bytes]) -> None:
        """`lost_line`: see LineWriter."""
        self._lost_line = lost_line
        self._lost = 0
        self._writer: LineWriter | None = None
        self._is_forgotten_by_forks = False

    @property
    def lost(self) -> int:
        """Lines of this process that were lost so far."""
        return self._lost + (self._writer.lost if self._writer else 0)

    def write(self, line: bytes) -> None:
        """Write a line, which ends with its line break."""
        if self._writer is not None:
            self._writer.put(line)
            return
        try:
            if sys.stdout is not None:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
        except (OSError, ValueError):
            self._lost += 1

    def lose(self) -> None:
        """Count a line that could not be made."""
        self._lost += 1

    def queue(self) -> None:
        """Have a thread write from now on, in this process and in those that are forked of it."""
        if self._writer is not None:
            return
        self._writer = self._new_writer()
        if not self._is_forgotten_by_forks:
            self._is_forgotten_by_forks = True
            os.register_at_fork(after_in_child=self._after_fork)
            atexit.register(self.close)

    def write_at_once(self) -> None:
        """Write what is queued, and from now on before `write` returns."""
        self.close()
        self._lost, self._writer = self.lost, None

    def close(self) -> None:
        """Write what is queued, for at most CLOSE_SECONDS; what comes later is not written."""
        if self._writer is not None:
            self._writer.close(CLOSE_SECONDS)

    def _after_fork(self) -> None:
        """Leave to the parent what it has queued; its thread is not in this process."""
        if self._writer is not None:
            self._lost, self._writer = 0, self._new_writer()

    def _new_writer(self) -> LineWriter:
        return LineWriter(STDOUT, self._lost_line)


def occupy_closed_streams() -> None:
    """Open /dev/null for each standard stream that is closed.

    Otherwise the next file that is opened, a database for one, would have its number, and be
    written the lines.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
