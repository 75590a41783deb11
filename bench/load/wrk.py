"""Highest rate: as many requests as a server takes from wrk, over so many connections.

wrk is a closed loop, which is right for a highest rate and wrong for latency; see `open_loop`.
`requests.lua` is what it sends.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# It takes whole seconds only, but ends early, with its results, where it is interrupted.
OPTIONS = ("-t", "2", "-d", "1h", "--timeout", "10s")
SCRIPT = Path(__file__).parent / "requests.lua"
PATIENCE_SECONDS = 20.0
HOW_TO_GET_WRK = "needs wrk on the PATH: apt install wrk, or brew install wrk"


@dataclass(frozen=True)
class Load:
    """One kind of request; `events` are in each. Their ids rise in time, or are random.

    `connections`: over how many it is sent at once.
    """

    kind: str
    events: int = 1
    path: str = "/"
    random_ids: bool = False
    connections: int = 16

    @property
    def name(self) -> str:
        name = f"batches of {self.events:,}" if self.kind == "batch" else self.kind
        name += ", random ids" if self.random_ids else ""
        return name if self.connections == Load.connections else f"{name}, {self.over}"

    @property
    def over(self) -> str:
        """Over how many connections."""
        return f"{self.connections} connections"

    @property
    def suffix(self) -> str:
        """To a contender's name: empty where events are single."""
        return "" if self.events == 1 else f", {self.name}"


@dataclass(frozen=True)
class Sample:
    """Events, or users, that were acknowledged in one run of so many seconds.

    `failed`: requests that were answered 4xx or 5xx, or not at all. `p50`, `p99`, `p999`: what
    share of the requests took how many milliseconds at most. wrk completes them: where a request
    took more than twice the mean, it adds those that its connection could have sent meanwhile.
    """

    events: int
    seconds: float
    failed: int
    p50: float
    p99: float
    p999: float

    @property
    def rate(self) -> float:
        """Events, or users, a second."""
        return self.events / self.seconds


BINARY = Load("binary")
QUARTER_KIB = Load("256 bytes")
STRUCTURED = Load("structured")
USER = Load("user", path="/v1/user")


def batch(size: int, *, random_ids: bool = False) -> Load:
    """Batches of that many events."""
    return Load("batch", size, random_ids=random_ids)


def is_there() -> bool:
    """Whether wrk is."""
    return shutil.which("wrk") is not None


def send(url: str, load: Load, seconds: float, token: str = "") -> Sample:
    """Send for that long, by 2 threads; with a token, if there is one.

    It goes on until something was acknowledged, for PATIENCE_SECONDS more at most: a big batch
    takes a while.
    """
    ids = "random" if load.random_ids else "rising"
    arguments = (url + load.path, "--", load.kind, str(load.events), ids)
    command = ["wrk", *OPTIONS, "-c", str(load.connections), "-s", str(SCRIPT), *arguments]
    environ = {**os.environ, "AUTHORIZATION": f"Bearer {token}"} if token else None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as wrk:
        try:
            time.sleep(seconds)
            _wait_for_acknowledgement(wrk)
            wrk.send_signal(signal.SIGINT)
            printed, _ = wrk.communicate(timeout=60)
        except BaseException:
            wrk.kill()
            raise
    result = json.loads(printed.rpartition("RESULT ")[2])
    return Sample(
        events=(result["requests"] - result["refused"]) * load.events,
        seconds=result["microseconds"] / 1e6,
        failed=result["refused"] + result["broken"],
        p50=result["p50"] / 1000,
        p99=result["p99"] / 1000,
        p999=result["p999"] / 1000,
    )


def _wait_for_acknowledgement(wrk: subprocess.Popen[str]) -> None:
    """Until it prints: of that it does so at once, of all else at its end."""
    if wrk.stdout is not None:
        select.select([wrk.stdout], [], [], PATIENCE_SECONDS)
