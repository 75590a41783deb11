"""Delivering an event within a deadline over everything: name look-up, every address, the answer.

A sink's own timeouts bound a single socket operation at best, and name look-up not at all, so
sending happens in a thread of its own, and whoever waits for it stops waiting in time.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any

from service_kit.clock import now
from user_service.sinks.cloudevents import CloudEvent
from user_service.sinks.sink import DEADLINE_EXCEEDED, Attempt, NotDelivered, Outcome, Sink

DELIVERED = "delivered"

Ended = Callable[[str, float], None]
"""Told of a delivery that has ended: DELIVERED or the value of an Outcome, and its seconds."""


class Delivery:
    """Delivers to a sink. Safe for any number of threads."""

    def __init__(self, sink: Sink, *, threads: int, ended: Ended | None = None) -> None:
        """`threads`: how many events may be on their way at once."""
        self._sink = sink
        self._ended = ended
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="delivery")
        self._last: tuple[str, datetime] | None = None

    def deliver(self, event: CloudEvent, deadline: float) -> None:
        """Return once the sink has acknowledged the event.

        Raises NotDelivered, by `deadline` (monotonic, seconds) at the latest.
        """
        began = time.monotonic()
        attempt = Attempt(deadline)
        future = self._threads.submit(self._sink.send, event, attempt)
        wait([future], timeout=deadline - time.monotonic())
        try:
            _outcome(future, attempt)
        except NotDelivered as error:
            self._tell(error.outcome.value, began)
            raise
        self._tell(DELIVERED, began)

    def report(self) -> dict[str, Any]:
        """How the last delivery of this process went, for people."""
        if self._last is None:
            return {"last_delivery": None}
        outcome, at = self._last
        return {"last_delivery": {"outcome": outcome, "at": at.isoformat()}}

    def _tell(self, outcome: str, began: float) -> None:
        self._last = outcome, now()
        if self._ended is not None:
            self._ended(outcome, time.monotonic() - began)


def _outcome(future: Future[None], attempt: Attempt) -> None:
    if future.cancel():
        raise NotDelivered(Outcome.NOT_DELIVERED, "no thread was free to send it in time")
    if not future.done():
        attempt.cancel()
        raise attempt.failed(DEADLINE_EXCEEDED)
    future.result()
