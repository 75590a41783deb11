"""Threads that send for the relay, so that it never waits for the sink itself."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog

from user_service.relay.outbox_queue import Waiting
from user_service.sinks.sink import Attempt, BatchSender, NotDelivered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Sending:
    """Events that are sent together. `began`, `deadline`: monotonic, seconds; `successes`: how
    many sendings had succeeded when it began.
    """

    events: Sequence[Waiting]
    attempt: Attempt
    began: float
    deadline: float
    successes: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A sending that has ended, and what became of each of its events."""

    sending: Sending
    results: Sequence[NotDelivered | None]


class Senders:
    """As many threads as the batch sender has connections. Used by one thread."""

    def __init__(self, batch_sender: BatchSender, *, timeout: float) -> None:
        """`timeout`: seconds within which the sink must acknowledge."""
        self.one_event_per_user = batch_sender.one_event_per_user
        self._batch_sender = batch_sender
        self._timeout = timeout
        self._to_do: SimpleQueue[Sending | None] = SimpleQueue()
        self._news: SimpleQueue[Sent | None] = SimpleQueue()
        self._under_way: set[Sending] = set()
        # Daemons: one that hangs in a name look-up is not to keep the process from ending.
        for number in range(batch_sender.connections):
            threading.Thread(target=self._work, name=f"relay-{number}", daemon=True).start()

    @property
    def under_way(self) -> int:
        """How many sendings have not ended."""
        return len(self._under_way)

    @property
    def has_place(self) -> bool:
        """Whether one more can begin at once."""
        return len(self._under_way) < self._batch_sender.connections

    def send(self, events: Sequence[Waiting], successes: int) -> None:
        """Begin to send them; `collect` gives what became of them."""
        began = time.monotonic()
        deadline = began + self._timeout
        sending = Sending(events, Attempt(deadline), began, deadline, successes)
        self._under_way.add(sending)
        self._to_do.put(sending)

    def wake(self) -> None:
        """Let `collect` return. Any thread may call it."""
        self._news.put(None)

    def collect(self, patience: float) -> tuple[list[Sent], bool]:
        """All that have ended, and whether somebody woke us; `patience`: seconds to wait for
        either.
        """
        ended: list[Sent] = []
        woken = False
        try:
            news = self._news.get(timeout=patience) if patience > 0 else self._news.get_nowait()
            while True:
                if news is None:
                    woken = True
                else:
                    self._under_way.discard(news.sending)
                    ended.append(news)
                news = self._news.get_nowait()
        except Empty:
            return ended, woken

    def cut_overdue(self) -> None:
        """Break off what the sink has not answered in time."""
        now = time.monotonic()
        for sending in self._under_way:
            if now > sending.deadline:
                sending.attempt.cancel()

    def close(self) -> None:
        """Break off everything, and let the threads end."""
        for sending in self._under_way:
            sending.attempt.cancel()
        for _ in range(self._batch_sender.connections):
            self._to_do.put(None)

    def _work(self) -> None:
        while (sending := self._to_do.get()) is not None:
            self._news.put(Sent(sending, self._results(sending)))

    def _results(self, sending: Sending) -> Sequence[NotDelivered | None]:
        try:
            return self._batch_sender.send_batch(
                [event.event for event in sending.events], sending.attempt
            )
        except Exception as error:  # a fault of ours must not end the thread, nor lose an event
            log.exception("unexpected fault while sending")
            failure = sending.attempt.failed(f"unexpected fault: {type(error).__name__}")
            failure.batch_failure = len(sending.events) > 1
            return [failure] * len(sending.events)
