"""Settler: settles the intents that a crash, or an unknown outcome, left behind.

- A change or a deletion of a user, and a creation with an idempotency key, is completed: the very
  same event is sent again, and then the change is made.
- A creation without a key, whose client asks for another, is withdrawn: it is never made, and
  `user.deleteUser` with version 2 follows its event. That event is sent again, too: whether it
  arrived is not known, and a deletion alone would be a gap in the log.
- Where the sink refuses the event, it is dropped.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import structlog

from service_kit.clock import now
from user_service.delivery.deadline import Delivery
from user_service.delivery.direct import log_failure, refuses
from user_service.sinks.cloudevents import CloudEvent, describe, deserialise, serialise
from user_service.sinks.sink import Fault, NotDelivered, Outcome
from user_service.store.changes import ChangeStore
from user_service.store.intents import Claim, ClaimLost, Intent, is_withdrawn
from user_service.store.unsettled_intents import UnsettledIntents
from user_service.users.domain import ChangeKind, UserChange

log = structlog.get_logger()


class Settled(StrEnum):
    """How an intent was settled."""

    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"


class Settler:
    """Settles intents, one at a time. MUST be used by one thread at a time.

    Any number of processes may do so: only one of them takes an intent over.
    """

    def __init__(
        self,
        unsettled: UnsettledIntents,
        store: ChangeStore,
        delivery: Delivery,
        *,
        patience: float,
        timeout: float,
        on_settled: Callable[[Settled], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience`: the seconds for which an intent MUST have been seen unchanged before it is
        taken from its holder: more than a delivery can take. `timeout`: for what is sent to
        settle one.
        """
        self._unsettled = unsettled
        self._store = store
        self._delivery = delivery
        self._patience = patience
        self._timeout = timeout
        self._on_settled = on_settled
        self._clock = clock
        # Claims of others, and since when each is known, by `_clock`.
        self._seen: dict[Claim, float] = {}

    def settle(self, stop: threading.Event) -> None:
        """Settle the intents that nobody holds, until `stop` is set or the sink fails.

        Raises StoreUnavailable.
        """
        for claim in self._due():
            if stop.is_set() or not self._settle_one(claim):
                return

    def _due(self) -> list[Claim]:
        """Released intents, and those whose holder has not been heard of for too long."""
        at = self._clock()
        unsettled = self._unsettled.some()
        held = [found.claim for found in unsettled if not found.released]
        self._seen = {claim: self._seen.get(claim, at) for claim in held}
        return [
            found.claim
            for found in unsettled
            if found.released or at - self._seen[found.claim] >= self._patience
        ]

    def _settle_one(self, found: Claim) -> bool:
        """Take the intent over and settle it; whether the sink may take others."""
        taken = self._unsettled.take_over(found)
        if taken is None:
            return True
        intent, claim = taken
        event = deserialise(intent.event)
        try:
            settled = self._settle(intent, claim, event)
        except NotDelivered as error:
            self._store.release(claim)
            _log("a change is not settled yet", event, reason=error.reason)
            return error.fault is Fault.CONFLICT
        except ClaimLost as error:
            # Taken over by another; or the user is not as the intent found them, and nobody can.
            self._store.drop(claim)
            log_failure("change not stored", event, Outcome.UNKNOWN, repr(error))
            return True
        self._on_settled(settled)
        _log(f"a change that was left behind is {settled}", event)
        return True

    def _settle(self, intent: Intent, claim: Claim, event: CloudEvent) -> Settled:
        deadline = self._clock() + self._timeout
        if not self._accepted(event, deadline):
            self._store.drop(claim)
            return Settled.DROPPED
        if not is_withdrawn(intent.change, intent.key):
            self._store.apply(intent.change, claim)
            return Settled.COMPLETED
        self._accepted(self._withdrawal(intent, claim, event), deadline)
        self._store.drop(claim)
        return Settled.WITHDRAWN

    def _accepted(self, event: CloudEvent, deadline: float) -> bool:
        """Whether the sink has acknowledged it; False where it refuses it for ever."""
        try:
            self._delivery.deliver(event, deadline)
        except NotDelivered as error:
            if not refuses(error):
                raise
            log_failure("the sink refuses an event", event, error.outcome, error.reason)
            return False
        return True

    def _withdrawal(self, intent: Intent, claim: Claim, creation: CloudEvent) -> CloudEvent:
        """The event that takes the creation back: on disk, so that it is always the same one."""
        if intent.withdrawal is not None:
            return deserialise(intent.withdrawal)
        user = replace(intent.change.user, version=intent.change.user.version + 1)
        deletion = UserChange(ChangeKind.DELETED, user, now())
        event = describe(deletion, creation.get_source())
        self._unsettled.keep_withdrawal(claim, serialise(event))
        return event


def _log(message: str, event: CloudEvent, **more: str) -> None:
    log.warning(
        message,
        event_id=event.get_id(),
        event_type=event.get_type(),
        subject=event.get_subject(),
        **more,
    )
