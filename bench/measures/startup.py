"""Start-up: seconds until a service is ready, and of that the import of its code."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.contenders import servers
from bench.machine.server_process import Running
from bench.machine.workspace import Workspace
from bench.measures.rounds import Progress
from bench.measures.spread import Spread

_IMPORT = "import time; t = time.perf_counter(); import {}.cli; print(time.perf_counter() - t)"


@dataclass(frozen=True)
class StartUp:
    """Seconds, of a service: from its start to the first 200 of /readyz, with an empty database
    to make; and the import of everything that its command needs.
    """

    service: str
    ready: Spread
    imported: Spread


def measure(workspace: Workspace, times: int, progress: Progress) -> list[StartUp]:
    """Of both services, so many times."""
    progress("start-up")
    starts: dict[str, Callable[[Workspace], AbstractContextManager[Sequence[Running]]]] = {
        "audit_service": servers.audit,
        "user_service": servers.users,
    }
    found = []
    for service, start in starts.items():
        ready, imported = [], []
        for _ in range(times):
            with start(workspace) as running:
                ready.append(running[0].seconds_to_ready)
            imported.append(_import_seconds(service))
        found.append(StartUp(service, Spread(tuple(ready)), Spread(tuple(imported))))
    return found


def _import_seconds(package: str) -> float:
    command = [sys.executable, "-c", _IMPORT.format(package)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)
