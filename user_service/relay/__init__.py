"""The relay: delivers what waits in the outbox, each user's events in their order.

Any number of them may run; one is active. At least once on the wire: an event that was sent
and not written down as delivered is sent again, with the same id.
"""

import threading
from datetime import timedelta

import structlog
from sqlalchemy import Engine

from user_service.relay import notifier
from user_service.relay.circuit_breaker import Pace, Sink
from user_service.relay.dispatcher import PER_USER, Holding
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.outbox_queue import WaitingEvents
from user_service.relay.outcomes import Decisions
from user_service.relay.sender_pool import Senders
from user_service.relay.status import OUTCOMES, Activity
from user_service.relay.user_queues import Lanes
from user_service.settings import Settings
from user_service.sinks.sink import BatchSender
from user_service.store.transactions import StoreUnavailable

__all__ = ["OUTCOMES", "Activity", "Relay"]

SECONDS_AN_HOUR = 3600

log = structlog.get_logger()


class Relay:
    """One relay: takes part in the lease, and delivers while it has it."""

    def __init__(
        self, engine: Engine, batch_sender: BatchSender, settings: Settings, activity: Activity
    ) -> None:
        self._engine = engine
        self._batch_sender = batch_sender
        self._settings = settings
        self._activity = activity

    def run(self, name: str, stop: threading.Event) -> None:
        """Take part until `stop` is set. `name`: what others are shown of who holds the lease."""
        lease = Lease(self._engine, name=name, seconds=self._settings.relay_lease_seconds)
        while lease.acquire(stop):
            self._activity.active = True
            try:
                self._hold(lease, stop)
            except LeaseLost:
                log.warning("the lease was lost; waiting for it again")
            except StoreUnavailable as error:
                log.warning("the database is unavailable", reason=str(error))
            finally:
                # What it found out of the sink is forgotten with the lease.
                self._activity.active, self._activity.sink = False, Sink.OPEN

    def _hold(self, lease: Lease, stop: threading.Event) -> None:
        kept = timedelta(hours=self._settings.outbox_keep_hours)
        senders = Senders(self._batch_sender, timeout=self._settings.relay_timeout)
        holding = Holding(
            lease,
            WaitingEvents(self._engine, lease, kept=kept),
            senders,
            self._decisions(),
            look_seconds=notifier.look_seconds(self._engine),
        )
        with notifier.to_new_events(self._engine, senders.wake):
            try:
                holding.run(stop)
            finally:
                senders.close()

    def _decisions(self) -> Decisions:
        return Decisions(
            Lanes(per_user=PER_USER),
            Pace(pause_seconds=self._settings.relay_pause_seconds),
            self._activity,
            most=self._batch_sender.max_batch,
            give_up=self._settings.relay_give_up_hours * SECONDS_AN_HOUR,
        )
