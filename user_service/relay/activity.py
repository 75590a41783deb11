"""What a relay does, for those who look at it from outside: readiness and metrics."""

from collections import Counter
from dataclasses import dataclass, field

from user_service.relay.pace import Sink


@dataclass(slots=True)
class Activity:
    """Written by the relay's thread alone; whoever reads may see it a moment late.

    `outcomes`: how often sending an event ended in `delivered`, `retried`, `dead`.
    """

    active: bool = False
    sink: Sink = Sink.OPEN
    outcomes: Counter[str] = field(default_factory=Counter)
