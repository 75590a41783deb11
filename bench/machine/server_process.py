"""Server processes: a command that serves for the length of a block."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests

START_SECONDS = 30.0
STOP_SECONDS = 25.0
LISTEN = "0A"  # in /proc/net/tcp
_SETTINGS = ("AUDIT_SERVICE_", "USER_SERVICE_", "K_SINK", "DATABASE_URL")


class DidNotStart(Exception):
    """A server ended, or did not answer in time; the message has the end of its output."""


@dataclass(frozen=True)
class Running:
    """A server that answers: `pid` of its master, by which all of it can be found; its output is
    in `log`.
    """

    name: str
    url: str
    pid: int
    log: Path
    seconds_to_ready: float

    def workers(self) -> Sequence[int]:
        """The pids of its workers; none where the system has no /proc."""
        return [pid for pid in self.children() if not is_indexer(pid)]

    def indexers(self) -> Sequence[int]:
        """The pids of what keeps its index, one at most."""
        return [pid for pid in self.children() if is_indexer(pid)]

    def children(self) -> Sequence[int]:
        """The pids of both."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []


def is_indexer(pid: int) -> bool:
    """Whether a process keeps an index."""
    return b"follow" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    output: Path,
    settings: Mapping[str, object],
    ready: str = "/readyz",
    workers: int = 2,
) -> Iterator[Running]:
    """The server that `command` starts, from when all of it serves to the end of the block.

    Its output goes to a file in `output`. Raises DidNotStart.
    """
    environ = {k: v for k, v in os.environ.items() if not k.startswith(_SETTINGS)}
    environ |= {key: str(value) for key, value in settings.items()}
    url, log = f"http://127.0.0.1:{port}", output / f"{name}.log"
    began = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env=environ, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(process, log, lambda: _answers(url + ready))
        seconds = time.perf_counter() - began
        # gunicorn starts workers up to 0.1 s apart, each with a listener of its own: whoever
        # connects before the last is there has all of its connections at the first.
        _wait(process, log, lambda: _listeners(port) in {workers, None})
        yield Running(name, url, process.pid, log, seconds)
    finally:
        _stop(process)
        log.unlink(missing_ok=True)


def _wait(process: subprocess.Popen[bytes], log: Path, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not until():
        if process.poll() is not None or time.monotonic() > deadline:
            raise DidNotStart(log.read_text(errors="replace")[-2000:] or str(process.args))
        time.sleep(0.01)


def _answers(url: str) -> bool:
    """Whether there is an answer that is no fault of the server's."""
    try:
        return requests.get(url, timeout=5).status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    except requests.RequestException:
        return False


def _listeners(port: int) -> int | None:
    """How many sockets listen on the port; None where the system has no /proc."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        return None
    sockets = (line.split() for line in table.read_text().splitlines()[1:])
    return sum(
        state == LISTEN and local == f"0100007F:{port:04X}" for _, local, _, state, *_ in sockets
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM; then whatever is left of its session, which is ours alone."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
