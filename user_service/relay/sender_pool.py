"""Threads that send for the relay, so that it never waits for the sink itself."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog

from user_service.relay.outbox_queue import QueuedEvent
from user_service.relay.timing import Clock, RelayTiming
from user_service.sinks.sink import Attempt, BatchSender, NotDelivered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Events that are sent together. `began`, `deadline`: monotonic, seconds; `successes`: how
    many sendings had succeeded when it began.
    """

    events: Sequence[QueuedEvent]
    attempt: Attempt
    began: float
    deadline: float
    successes: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A sending that has ended, and what became of each of its events."""

    batch: Batch
    results: Sequence[NotDelivered | None]


class SenderPool:
    """As many threads as the batch sender has connections. Used by one thread."""

    def __init__(
        self, batch_sender: BatchSender, timing: RelayTiming, clock: Clock = time.monotonic
    ) -> None:
        self.one_event_per_user = batch_sender.one_event_per_user
        self._batch_sender = batch_sender
        self._send_seconds = timing.send_seconds
        self._clock = clock
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._inbox: SimpleQueue[BatchResult | None] = SimpleQueue()
        self._in_flight: set[Batch] = set()
        # Daemons: one that hangs in a name look-up is not to keep the process from ending.
        for number in range(batch_sender.connections):
            threading.Thread(target=self._work, name=f"relay-{number}", daemon=True).start()

    @property
    def in_flight(self) -> int:
        """How many sendings have not ended."""
        return len(self._in_flight)

    @property
    def has_free_connection(self) -> bool:
        """Whether one more can begin at once."""
        return len(self._in_flight) < self._batch_sender.connections

    def send(self, events: Sequence[QueuedEvent], successes: int) -> None:
        """Begin to send them; `collect` gives what became of them."""
        began = self._clock()
        deadline = began + self._send_seconds
        batch = Batch(events, Attempt(deadline, self._clock), began, deadline, successes)
        self._in_flight.add(batch)
        self._batches.put(batch)

    def wake(self) -> None:
        """Let `collect` return. Any thread may call it."""
        self._inbox.put(None)

    def collect(self, timeout: float) -> tuple[list[BatchResult], bool]:
        """All that have ended, and whether somebody woke us; `timeout`: seconds to wait for
        either.
        """
        ended: list[BatchResult] = []
        woken = False
        try:
            news = self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
            while True:
                if news is None:
                    woken = True
                else:
                    self._in_flight.discard(news.batch)
                    ended.append(news)
                news = self._inbox.get_nowait()
        except Empty:
            return ended, woken

    def cancel_overdue(self) -> None:
        """Break off what the sink has not answered in time."""
        now = self._clock()
        for batch in self._in_flight:
            if now > batch.deadline:
                batch.attempt.cancel()

    def close(self) -> None:
        """Break off everything, and let the threads end."""
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
        except Exception as error:  # a fault of ours must not end the thread, nor lose an event
            log.exception("unexpected fault while sending")
            failure = batch.attempt.failed(f"unexpected fault: {type(error).__name__}")
            failure.batch_failure = len(batch.events) > 1
            return [failure] * len(batch.events)
