"""Deadline of a delivery, over everything: name look-up, every address, the answer.

A sink's own timeouts bound a single socket operation at best, and name look-up not at all, so
sending happens in a thread of its own, and the thread of the request stops waiting in time.
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

DeliveryEnded = Callable[[str, float], None]
"""Called at the end of a delivery with DELIVERED or the value of an Outcome, and its seconds."""


class Delivery:
    """Delivers to a sink. Safe for any number of threads."""

    def __init__(self, sink: Sink, *, threads: int, on_end: DeliveryEnded | None = None) -> None:
        """`threads`: how many events may be on their way at once."""
        self._sink = sink
        self._on_end = on_end
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
            _result(future, attempt)
        except NotDelivered as error:
            self._note_end(error.outcome.value, began)
            raise
        self._note_end(DELIVERED, began)

    def report(self) -> dict[str, Any]:
        """Outcome and time of the last delivery of this process, for `/readyz`."""
        if self._last is None:
            return {"last_delivery": None}
        outcome, at = self._last
        return {"last_delivery": {"outcome": outcome, "at": at.isoformat()}}

    def _note_end(self, outcome: str, began: float) -> None:
        self._last = outcome, now()
        if self._on_end is not None:
            self._on_end(outcome, time.monotonic() - began)


def _result(future: Future[None], attempt: Attempt) -> None:
    """Return if the sink has acknowledged. Raises NotDelivered, the attempt cancelled."""
    if future.cancel():
        raise NotDelivered(Outcome.NOT_DELIVERED, "no thread was free to send it in time")
    if not future.done():
        attempt.cancel()
        raise attempt.failed(DEADLINE_EXCEEDED)
    future.result()
