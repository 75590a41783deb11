"""Companion: a process beside the workers of a server, started with it and started again.

It ends with the server, however that ends: it has the read end of a pipe as its standard input,
whose other end only the server and its workers have.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from service_kit.metrics import multiprocess

log = structlog.get_logger()

RESTART_SECONDS: Final = 1.0
"""Between two starts, at least."""
STOP_SECONDS: Final = 5.0


class Companion:
    """A command of this program. Used by the master alone, in one thread."""

    def __init__(
        self, module: str, arguments: Sequence[str], restart_seconds: float = RESTART_SECONDS
    ) -> None:
        """`python -m MODULE ARGUMENTS`."""
        self._command = [sys.executable, "-m", module, *arguments]
        self._restart_seconds = restart_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = float("-inf")

    def keep_running(self) -> None:
        """Start it where it does not run, but not again at once. MUST be called now and again."""
        if self._process is not None and self._process.poll() is None:
            return
        if time.monotonic() - self._started_at < self._restart_seconds:
            return
        if self._process is not None:
            log.warning("a process beside the workers has ended; it is started again")
            self._close()
        self._started_at = time.monotonic()
        # What counts requests is not for it.
        environ = {name: v for name, v in os.environ.items() if name != multiprocess.VARIABLE}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this program
                self._command, stdin=subprocess.PIPE, env=environ
            )
        except OSError as error:
            log.warning("a process beside the workers cannot be started", reason=str(error))

    def stop(self) -> None:
        """Ask it to stop, and return once it has."""
        if self._process is None:
            return
        self._close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


def ends_with_its_server(stop: threading.Event) -> None:
    """Set the event once the server is gone that started this process."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop.set()

    threading.Thread(target=wait, name="server", daemon=True).start()
