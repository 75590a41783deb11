"""What a relay does, for those who look at it from outside: readiness and metrics."""

from collections.abc import Callable
from dataclasses import dataclass

from user_service.relay.circuit_breaker import SinkState

OUTCOMES = ("delivered", "retried", "dead")


def _nobody_counts(_outcome: str, _events: int) -> None:
    pass


@dataclass(slots=True)
class RelayStatus:
    """Written by the relay's thread alone; whoever reads may see it a moment late.

    `count` is told how often sending an event ended in each of OUTCOMES. `turns`: how often the
    loop of the active relay went round; one that spins shows.
    """

    count: Callable[[str, int], None] = _nobody_counts
    active: bool = False
    sink: SinkState = SinkState.AVAILABLE
    turns: int = 0
