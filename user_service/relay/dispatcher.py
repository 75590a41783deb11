"""Dispatcher: the main loop of the active relay, from when it holds the lease until it stops.

It reads events from the outbox into memory, sends what is ready, handles outcomes, and writes
them. One thread decides everything; the sender pool's threads only send. Its memory is made anew
with each lease.
"""

import time
from threading import Event

import structlog

from user_service.relay.circuit_breaker import SinkState
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.loader import Loader
from user_service.relay.outbox_queue import OutboxQueue
from user_service.relay.outcomes import OutcomeHandler
from user_service.relay.sender_pool import SenderPool
from user_service.relay.status import RelayStatus
from user_service.relay.timing import Clock, RelayTiming
from user_service.store.transactions import StoreUnavailable

log = structlog.get_logger()


class Dispatcher:
    """The loop, for one lease. `run` MUST be called once.

    Everything that it is given is owned by the thread in `run`, which is the dispatcher thread,
    save what the sender pool says of itself.
    """

    def __init__(
        self,
        lease: Lease,
        outbox: OutboxQueue,
        sender_pool: SenderPool,
        outcomes: OutcomeHandler,
        status: RelayStatus,
        *,
        timing: RelayTiming,
        clock: Clock = time.monotonic,
    ) -> None:
        self._lease = lease
        self._outbox = outbox
        self._loader = Loader(
            outbox, outcomes.queues, outcomes.backoff, outcomes.breaker, timing, clock=clock
        )
        self._sender_pool = sender_pool
        self._outcomes = outcomes
        self._queues = outcomes.queues
        self._breaker = outcomes.breaker
        self._status = status
        self._timing = timing
        self._clock = clock
        # Owned by the dispatcher thread; moments by `_clock`, 0.0 for at once.
        self._next_purge = 0.0
        # The database is left alone until then.
        self._database_from = 0.0

    def run(self, stop: Event) -> None:
        """Deliver until `stop` is set, then wait for what is in flight, and release the lease.

        Raises LeaseLost, StoreUnavailable.
        """
        self._loader.begin()
        self._count()
        while not stop.is_set():
            self._collect(self._idle_seconds())
            self._maintain()
            self._send()
        deadline = self._clock() + self._timing.stop_seconds
        while self._sender_pool.in_flight and self._clock() < deadline:
            self._collect(0.1)
            self._maintain()
        self._write()
        self._lease.release()

    def _collect(self, timeout: float) -> None:
        ended, woken = self._sender_pool.collect(timeout)
        for result in ended:
            self._outcomes.handle(result)
        if woken:
            self._loader.poll_soon()
        self._status.turns += 1
        self._status.sink = self._breaker.state
        self._status.paused_for = self._breaker.paused_for
        self._sender_pool.cancel_overdue()

    def _idle_seconds(self) -> float:
        """Seconds until something is due, unless a batch ends or new events are notified of."""
        now = self._clock()
        seconds = [self._timing.idle_seconds, self._lease.next_heartbeat_in, self._loader.due_in]
        if self._outcomes.pending.size:
            seconds.append(self._write_in)
        # No probe is made before what is in flight has ended, and that wakes the loop.
        if self._queues.has_ready and not self._sender_pool.in_flight:
            seconds.append(self._breaker.next_probe_in)
        return max(0.0, self._database_from - now, min(seconds))

    def _maintain(self) -> None:
        """Bring the database and the memory together, and keep the lease."""
        if self._clock() < self._database_from:
            return
        try:
            self._write_if_due()
            self._load_if_due()
            self._count_if_due()
            self._purge_if_due()
            if self._lease.next_heartbeat_in <= 0:
                self._lease.heartbeat()
        except StoreUnavailable as error:
            if not self._lease.is_fresh:
                raise LeaseLost from error
            log.warning("the database is unavailable", reason=str(error))
            self._database_from = self._clock() + self._timing.database_retry_seconds

    def _write_if_due(self) -> None:
        if (
            self._outcomes.pending.size >= self._timing.write_size
            or self._write_in <= 0
            or not self._sender_pool.in_flight
        ):
            self._write()

    @property
    def _write_in(self) -> float:
        timing, ready = self._timing, self._queues.has_ready
        wait = timing.write_seconds if ready else timing.write_soon_seconds
        return self._outcomes.pending.since + wait - self._clock()

    def _write(self) -> None:
        pending = self._outcomes.pending
        if pending.size:
            self._outbox.write(pending)
            # Only now: a user's next event MUST NOT be sent before this is written. A relay that
            # took over in between would send this one after the next.
            self._queues.unblock(pending.users)
            if pending.frees_later_events:
                self._loader.poll_soon()
            self._outcomes.clear_pending()

    def _load_if_due(self) -> None:
        if self._loader.due_in <= 0:
            self._write()
            self._loader.load()

    def _count_if_due(self) -> None:
        if self._outcomes.burials.count_in <= 0:
            self._write()
            self._count()

    def _count(self) -> None:
        """Count the dead letters. Outcomes MUST be written. Raises StoreUnavailable."""
        burials = self._outcomes.burials
        burials.counted(self._outbox.dead_letters())
        if not burials.is_full:
            self._breaker.record_room()

    def _purge_if_due(self) -> None:
        if self._clock() >= self._next_purge:
            more = self._outbox.purge()
            self._next_purge = 0.0 if more else self._clock() + self._timing.purge_seconds

    def _send(self) -> None:
        while (
            self._queues.has_ready
            and self._sender_pool.has_free_connection
            and self._breaker.allows(self._sender_pool.in_flight)
            # This process may have been paused since the last renewal.
            and self._lease.is_fresh
        ):
            available = self._breaker.state is SinkState.AVAILABLE
            max_batch = self._outcomes.batches.max_batch if available else 1
            events = self._queues.next_batch(
                max_batch, one_event_per_user=self._sender_pool.one_event_per_user
            )
            self._sender_pool.send(events, self._breaker.successes)
