"""Both services as real processes, for tests that stop, kill and restart them."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import requests

from tests.support.ports import free_port
from tests.support.waiting import wait_until

BIN = Path(sys.executable).parent
START_SECONDS = 60.0


def environment(**settings: object) -> dict[str, str]:
    """This process's environment and the settings, by variable."""
    return {**os.environ, **{name: str(value) for name, value in settings.items()}}


def _follows(pid: int) -> bool:
    try:
        return b"follow" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False


class Service:
    """A service as a process group of its own, with its output in a file."""

    command = "run"
    bind = "BIND"
    ready_path = "/readyz"

    def __init__(
        self,
        name: str,
        folder: Path,
        port: int,
        settings: Mapping[str, object],
        *,
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
    ) -> None:
        """`within`: words of a command that runs another, such as one in a namespace."""
        self.url = f"http://{host}:{port}"
        self.port = port
        self._words = [*within, str(BIN / name), self.command]
        self._output = folder / f"{name}-{self.command}-{port}.log"
        prefix = name.upper().replace("-", "_")
        usual = {f"{prefix}_{self.bind}": f"{host}:{port}", f"{prefix}_AUTH": "none"}
        self._settings = {**usual, **settings}
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        # A descriptor that takes its output in place of the file.
        self.stdout: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pids(self) -> list[int]:
        """Of all its processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def workers(self) -> list[int]:
        """Of those that answer requests, and not of what follows the log beside them."""
        if (self._name, self.command) == ("audit-service", "run"):
            # Until it runs its own program it cannot be told from a worker.
            wait_until(lambda: any(map(_follows, self.pids())))
        return [pid for pid in self.pids()[1:] if not _follows(pid)]

    def start(self) -> None:
        """Return once it is ready."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._words,
                env=environment(**self._settings),
                stdout=output if self.stdout is None else self.stdout,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until_ready(self.url, self._process, self._output, self.ready_path)

    def terminate(self) -> int:
        """SIGTERM, and its exit code once it has ended."""
        self.ask_to_stop()
        return self.exit_code()

    def ask_to_stop(self) -> None:
        """SIGTERM, and no waiting."""
        os.kill(self.pid, signal.SIGTERM)

    def exit_code(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(40)

    def kill(self) -> None:
        """SIGKILL to all of its processes at once, as in a power cut."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` tells, ready or not."""
        answer: dict[str, Any] = requests.get(f"{self.url}/readyz", timeout=20).json()
        return answer

    def run_command(self, *words: str) -> str:
        """What another command of the service prints, by the same settings."""
        return subprocess.run(
            [str(BIN / self._name), *words],
            env=environment(**self._settings),
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout

    def output(self) -> str:
        """Everything that it has printed."""
        return self._output.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines that it has printed."""
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]


class Relay(Service):
    """A relay, which is seen on its admin port."""

    command = "relay"
    bind = "RELAY_BIND"


def wait_until_ready(
    url: str, process: subprocess.Popen[bytes], output: Path, path: str = "/readyz"
) -> None:
    """Return once `path` of `url` is answered 200; fail where the process ends before."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        with suppress(requests.RequestException):
            if requests.get(f"{url}{path}", timeout=5).ok:
                return
        time.sleep(0.02)
    raise AssertionError(f"{url} is not ready: {output.read_text()}")


def audit_service(
    folder: Path, host: str = "127.0.0.1", within: Sequence[str] = (), **settings: object
) -> Service:
    """An audit service, not started yet, with its log below `folder`."""
    defaults = {
        "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{folder}/events.db",
        # For those alone who look at it: it is a process more.
        "AUDIT_SERVICE_INDEX": "none",
    }
    settings = {**defaults, **settings}
    return Service("audit-service", folder, free_port(), settings, host=host, within=within)


def indexed_audit_service(folder: Path, **settings: Any) -> Service:
    """An audit service, not started yet, with an index beside its log."""
    return audit_service(folder, AUDIT_SERVICE_INDEX=f"{folder}/events.db-index", **settings)


def user_service(folder: Path, sink: str, **settings: object) -> Service:
    """A user service, not started yet, with its users below `folder`."""
    defaults = {
        "USER_SERVICE_DATABASE_URL": f"sqlite:///{folder}/users.db",
        "USER_SERVICE_SINK": sink,
    }
    return Service("user-service", folder, free_port(), {**defaults, **settings})


def relay(folder: Path, sink: str, **settings: object) -> Relay:
    """A relay, not started yet, for the outbox of the user service of that folder."""
    defaults = {
        "USER_SERVICE_DATABASE_URL": f"sqlite:///{folder}/users.db",
        "USER_SERVICE_SINK": sink,
    }
    return Relay("user-service", folder, free_port(), {**defaults, **settings})


def post_event(session: requests.Session, url: str, event_id: str) -> int:
    """Post a small event in binary mode; the status of the answer."""
    headers = {
        "ce-id": event_id,
        "ce-source": "/system-tests",
        "ce-type": "test.event",
        "ce-specversion": "1.0",
        "Content-Type": "application/json",
    }
    body = json.dumps({"id": event_id}).encode()
    return session.post(url, data=body, headers=headers, timeout=10).status_code


def stored_events(url: str) -> list[dict[str, Any]]:
    """Every record of the audit service's log, oldest first."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
        page = requests.get(f"{url}/v1/events", params=parameters, timeout=30).json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items[::-1]


def fresh_id() -> str:
    """An id that no other event has."""
    return uuid.uuid4().hex
