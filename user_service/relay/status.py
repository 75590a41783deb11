"""Status of a relay, for its readiness and its metrics."""

from collections.abc import Callable
from dataclasses import dataclass

from user_service.relay.circuit_breaker import PauseCause, SinkState

OUTCOMES = ("delivered", "retried", "dead")


def _count_nothing(_outcome: str, _events: int) -> None:
    pass


@dataclass(slots=True)
class RelayStatus:
    """Owned by the dispatcher thread; another that reads it may see it a moment late.

    `count`: called with each of OUTCOMES and a number of events. `turns`: how often the dispatcher
    went round its loop, so that one that spins shows.
    """

    count: Callable[[str, int], None] = _count_nothing
    active: bool = False
    sink: SinkState = SinkState.AVAILABLE
    paused_for: PauseCause | None = None
    turns: int = 0
