"""Sender pool: threads that send batches, so that the dispatcher never waits for the sink."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog

from user_service.relay.queued_events import QueuedEvent
from user_service.relay.timing import Clock, RelayTiming
from user_service.sinks.sink import Attempt, BatchSender, NotDelivered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Events that are sent together.

    `began`, `deadline`: by the relay's clock; `successes`: the circuit breaker's when it began.
    """

    events: Sequence[QueuedEvent]
    attempt: Attempt
    began: float
    deadline: float
    successes: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The outcome of a batch: for each of its events None, or why it was not delivered."""

    batch: Batch
    results: Sequence[NotDelivered | None]


class SenderPool:
    """As many threads as the batch sender has connections.

    Its methods MUST be called by one thread, the dispatcher's; `wake` may be by any.
    """

    def __init__(
        self, batch_sender: BatchSender, timing: RelayTiming, clock: Clock = time.monotonic
    ) -> None:
        self.one_event_per_user = batch_sender.one_event_per_user
        self._batch_sender = batch_sender
        self._send_seconds = timing.send_seconds
        self._clock = clock
        # From the dispatcher to the sender threads; None ends one of them.
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        # From the sender threads to the dispatcher; None, by any thread, wakes it.
        self._inbox: SimpleQueue[BatchResult | None] = SimpleQueue()
        # Owned by the dispatcher thread. A batch is in it until its result was collected.
        self._in_flight: set[Batch] = set()
        # Daemons: a thread that hangs in a name look-up must not keep the process from ending.
        for number in range(batch_sender.connections):
            threading.Thread(target=self._work, name=f"relay-{number}", daemon=True).start()

    @property
    def in_flight(self) -> int:
        """How many batches have not ended."""
        return len(self._in_flight)

    @property
    def has_free_connection(self) -> bool:
        """Whether one more batch would be sent at once."""
        return len(self._in_flight) < self._batch_sender.connections

    def send(self, events: Sequence[QueuedEvent], successes: int) -> None:
        """Send the events as a batch; `collect` returns its result."""
        began = self._clock()
        deadline = began + self._send_seconds
        batch = Batch(events, Attempt(deadline, self._clock), began, deadline, successes)
        self._in_flight.add(batch)
        self._batches.put(batch)

    def wake(self) -> None:
        """Let `collect` return. Safe from any thread."""
        self._inbox.put(None)

    def collect(self, timeout: float) -> tuple[list[BatchResult], bool]:
        """The results of all batches that have ended, and whether `wake` was called.

        `timeout`: seconds to wait for either.
        """
        ended: list[BatchResult] = []
        woken = False
        try:
            result = self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
            while True:
                if result is None:
                    woken = True
                else:
                    self._in_flight.discard(result.batch)
                    ended.append(result)
                result = self._inbox.get_nowait()
        except Empty:
            return ended, woken

    def cancel_overdue(self) -> None:
        """Cancel the batches that the sink has not answered in time."""
        now = self._clock()
        for batch in self._in_flight:
            if now > batch.deadline:
                batch.attempt.cancel()

    def close(self) -> None:
        """Cancel all batches, and let the threads end."""
        for batch in self._in_flight:
            batch.attempt.cancel()
        for _ in range(self._batch_sender.connections):
            self._batches.put(None)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            self._inbox.put(BatchResult(batch, self._results(batch)))

    def _results(self, batch: Batch) -> Sequence[NotDelivered | None]:
        try:
            return self._batch_sender.send_batch(
                [event.event for event in batch.events], batch.attempt
            )
        except Exception as error:  # a bug must not end the thread, nor lose an event
            log.exception("unexpected fault while sending")
            failure = batch.attempt.failed(f"unexpected fault: {type(error).__name__}")
            failure.batch_failure = len(batch.events) > 1
            return [failure] * len(batch.events)
