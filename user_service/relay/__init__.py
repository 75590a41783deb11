"""Relay: delivers the events in the outbox, each user's in their order, at least once.

Any number of relays may run; one is active.

    lease             which relay is active: states, trust window, failures
    dispatcher        main loop of the active relay, in one thread
    outbox_queue      reads events from the outbox, writes outcomes, fenced by the lease
    events            what it reads and writes
    notifier          wakes the dispatcher when there are new events
    loader            reads events into memory when there is room
    user_queues       events in memory, a queue for each user; users take turns
    sender_pool       threads that send batches to the sink
    outcomes          carries out what retry_policy says, gathers what is to be written
    retry_policy      fault → action
    burial_limits     bounds on dead letters, past which the relay pauses
    circuit_breaker   state of the sink: available, unavailable, paused
    backoff           when events that failed by themselves are due
    status, health    readiness and metrics
    timing            intervals, sizes, the clock

Order: a user's next event is sent only once it is written what became of the last one, so the
first arrival of each event is in its user's order, whichever relay sends. At least once: an event
that was sent and not written as delivered is sent again, with the same id.
"""

import threading
import time

import structlog
from sqlalchemy import Engine

from user_service.relay import notifier
from user_service.relay.backoff import Backoff
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState
from user_service.relay.dispatcher import Dispatcher
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.outbox_queue import OutboxQueue
from user_service.relay.outcomes import OutcomeHandler
from user_service.relay.sender_pool import SenderPool
from user_service.relay.status import OUTCOMES, RelayStatus
from user_service.relay.timing import Clock, RelayTiming
from user_service.relay.user_queues import UserQueues
from user_service.sinks.sink import BatchSender
from user_service.store.transactions import StoreUnavailable

__all__ = ["OUTCOMES", "Relay", "RelayStatus", "RelayTiming"]

log = structlog.get_logger()


class Relay:
    """One relay: waits for the lease, and delivers while it holds it."""

    def __init__(
        self,
        engine: Engine,
        batch_sender: BatchSender,
        status: RelayStatus,
        timing: RelayTiming,
        clock: Clock = time.monotonic,
    ) -> None:
        self._engine = engine
        self._batch_sender = batch_sender
        self._status = status
        self._timing = timing
        self._clock = clock

    def run(self, name: str, stop: threading.Event) -> None:
        """Wait or deliver until `stop` is set. `name`: the holder's, as operators are shown it."""
        lease = Lease(self._engine, name, self._timing, self._clock)
        while lease.acquire(stop):
            self._status.active = True
            try:
                self._deliver(lease, stop)
            except LeaseLost:
                log.warning("the lease was lost; waiting for it again")
            except StoreUnavailable as error:
                log.warning("the database is unavailable", reason=str(error))
            finally:
                # What is known of the sink goes with the lease.
                self._status.active, self._status.sink = False, SinkState.AVAILABLE
                self._status.paused_for = None

    def _deliver(self, lease: Lease, stop: threading.Event) -> None:
        sender_pool = SenderPool(self._batch_sender, self._timing, self._clock)
        dispatcher = Dispatcher(
            lease,
            OutboxQueue(self._engine, lease, self._timing),
            sender_pool,
            self._outcome_handler(),
            self._status,
            timing=self._timing,
            clock=self._clock,
        )
        with notifier.listening(self._engine, sender_pool.wake):
            try:
                dispatcher.run(stop)
            finally:
                sender_pool.close()

    def _outcome_handler(self) -> OutcomeHandler:
        return OutcomeHandler(
            UserQueues(per_user=self._timing.window_size_per_user),
            CircuitBreaker(self._timing, self._clock),
            Backoff(self._timing, self._clock),
            self._status,
            self._timing,
            max_batch=self._batch_sender.max_batch,
            clock=self._clock,
        )
