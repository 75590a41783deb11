"""Probes: requests on connections of their own, at a fixed rate, to see whether a server answers.

Each is counted from when it was due, so that those count that had to wait for the one before.
"""

import math
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0
# Beyond the time of all, for those that are late; what has no answer by then has none.
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Probe:
    """A request that asks for its connection to be closed, made anew for each; and the status that
    is its answer.
    """

    url: str
    request: Callable[[], bytes]
    status: int

    def answered(self) -> bool:
        """Whether it is, all of the answer read."""
        parts = urlsplit(self.url)
        answer = b""
        try:
            with socket.create_connection((parts.hostname, parts.port), TIMEOUT_SECONDS) as each:
                each.sendall(self.request())
                while part := each.recv(65536):
                    answer += part
        except OSError:
            return False
        return answer.startswith(f"HTTP/1.1 {self.status} ".encode())


@dataclass(frozen=True)
class Waits:
    """Milliseconds of each probe, in rising order; infinitely many where it was not answered."""

    milliseconds: Sequence[float]

    @property
    def unanswered(self) -> int:
        return sum(map(math.isinf, self.milliseconds))

    @property
    def p50(self) -> float:
        return self.milliseconds[len(self.milliseconds) // 2]

    @property
    def p99(self) -> float:
        return self.milliseconds[int(len(self.milliseconds) * 0.99)]

    @property
    def worst(self) -> float:
        return self.milliseconds[-1]


def send(probe: Probe, rate: float, seconds: float) -> Waits:
    """Send probes at `rate` a second."""
    began = time.monotonic()
    waits = []
    for number in range(max(1, round(rate * seconds))):
        due = began + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        late = time.monotonic() > began + seconds + PATIENCE_SECONDS
        answered = not late and probe.answered()
        waits.append((time.monotonic() - due) * 1000 if answered else math.inf)
    return Waits(sorted(waits))
