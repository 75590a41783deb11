"""Status of the consumer, for its health and metrics.

Each attribute is written by one thread and read by any.
"""

import time
from collections.abc import Mapping

Partition = tuple[str, int]
"""A topic's name and a partition of it."""

BROKER_SECONDS = 10.0


class ConsumerStatus:
    """Lag, stopped partitions and reachability of the broker.

    `lag`: by partition, how many messages of it are not yet stored and committed.
    `stopped`: the partitions that nothing is read from, each with the reason.
    """

    def __init__(self) -> None:
        self.lag: Mapping[Partition, int] = {}
        self.stopped: dict[Partition, str] = {}
        self._answered_at = time.monotonic()

    def broker_answered(self) -> None:
        """The broker has answered just now."""
        self._answered_at = time.monotonic()

    def check_broker(self) -> None:
        """Raises TimeoutError where the broker has not answered for 10 s."""
        if time.monotonic() - self._answered_at > BROKER_SECONDS:
            raise TimeoutError("the broker does not answer")

    def check_offsets(self) -> None:
        """Raises LookupError where a partition is stopped."""
        if self.stopped:
            raise LookupError("a partition is stopped")

    def lag_by_name(self) -> dict[str, int]:
        """The lag by `topic/partition`."""
        return {f"{topic}/{number}": lag for (topic, number), lag in sorted(self.lag.items())}
