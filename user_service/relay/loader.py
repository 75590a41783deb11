"""Loader: reads events from the outbox into the user queues, when there is room and a use."""

import time

from user_service.relay.backoff import Backoff
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState
from user_service.relay.outbox_queue import OutboxQueue
from user_service.relay.timing import Clock, RelayTiming
from user_service.relay.user_queues import UserQueues
from user_service.store.transactions import StoreUnavailable


class Loader:
    """Events whose backoff is over, and the oldest others. Owned by the dispatcher thread.

    Before `load`, outcomes MUST be written: events that were sent would be read once more.
    """

    def __init__(
        self,
        outbox: OutboxQueue,
        queues: UserQueues,
        backoff: Backoff,
        breaker: CircuitBreaker,
        timing: RelayTiming,
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._queues = queues
        self._backoff = backoff
        self._breaker = breaker
        self._timing = timing
        self._clock = clock
        # By `_clock`; 0.0 for at once.
        self._next_poll = 0.0

    def begin(self) -> None:
        """Learn which events back off. Raises StoreUnavailable."""
        for event in self._outbox.backing_off():
            self._backoff.add(event.id, event.seconds)

    def poll_soon(self) -> None:
        """There may be new events in the outbox."""
        self._next_poll = 0.0

    @property
    def due_in(self) -> float:
        """Seconds until there may be something to load; infinite while there is no room."""
        return min(self._backoff.due_in, self._poll_in)

    def load(self) -> None:
        """Load what is due. Raises StoreUnavailable."""
        if self._backoff.due_in <= 0:
            self._load_due()
        if self._poll_in <= 0:
            self._poll()

    @property
    def _poll_in(self) -> float:
        if not self._has_room:
            return float("inf")
        return 0.0 if self._queues.needs_refill else self._next_poll - self._clock()

    @property
    def _has_room(self) -> bool:
        """Whether there is room in memory, and a use for more events in it."""
        if self._breaker.state is not SinkState.AVAILABLE and self._queues.has_ready:
            return False
        return len(self._queues) < self._timing.window_size // 2

    def _load_due(self) -> None:
        ids = self._backoff.take_due(self._timing.window_size)
        try:
            self._queues.add(self._outbox.by_id(ids))
        except StoreUnavailable:
            for event_id in ids:
                self._backoff.add(event_id, 0.0)
            raise

    def _poll(self) -> None:
        events = self._outbox.oldest(self._timing.window_size, self._queues.full())
        self._queues.add(events)
        if len(events) < self._timing.window_size:
            self._next_poll = self._clock() + self._timing.poll_seconds
        else:
            self.poll_soon()
