"""Time that the services take to start: until ready, and of that the import of their code."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from bench.contenders import services as servers
from bench.contenders.services import Workspace
from bench.machine.server_process import Running
from bench.measures.rates import Spread

_IMPORT = "import time; t = time.perf_counter(); import {}.cli; print(time.perf_counter() - t)"


@dataclass(frozen=True)
class StartUp:
    """Seconds, of a service: from its start to the first 200 of /readyz, with an empty database
    to make; and the import of everything that its command needs.
    """

    service: str
    ready: Spread
    imported: Spread


def measure(workspace: Workspace, times: int) -> list[StartUp]:
    """Of both services, so many times."""
    return [
        _start_up("audit_service", partial(servers.audit, workspace), times),
        _start_up("user_service", partial(servers.users, workspace), times),
    ]


def _start_up(
    package: str, start: Callable[[], AbstractContextManager[Sequence[Running]]], times: int
) -> StartUp:
    ready, imported = [], []
    for _ in range(times):
        with start() as running:
            ready.append(running[0].seconds_to_ready)
        imported.append(_import_seconds(package))
    return StartUp(package, Spread(tuple(ready)), Spread(tuple(imported)))


def _import_seconds(package: str) -> float:
    code = _IMPORT.format(package)
    done = subprocess.run(  # noqa: S603 - words of ours
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return float(done.stdout)
