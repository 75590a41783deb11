"""Direct delivery: the event first; the change is made once the sink has acknowledged it."""

from contextlib import suppress

import structlog

from user_service.delivery.deadline import Delivery
from user_service.sinks.cloudevents import CloudEvent, describe, deserialise, serialise
from user_service.sinks.sink import NotDelivered, Outcome
from user_service.store.changes import ChangeStore
from user_service.store.claims import Claim, ClaimLost
from user_service.store.transactions import StoreUnavailable
from user_service.users.domain import ChangeContext, IdempotentCreation, UserChange

log = structlog.get_logger()


class ChangeNotMade(Exception):
    """The change was not made, or is not known to have been.

    `outcome` is what is known of its event: a surplus one may be in the sink's log.
    """

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class ChangeNotStored(ChangeNotMade):
    """The sink has the event, but the change could not be stored, or is not known to be."""


class DirectDelivery:
    """Claims a change, delivers its event, applies the change.

    Every stored change has its event. A surplus event can exist only for a request that was
    answered 5xx or not at all. No transaction is open while the event is sent: the claim,
    committed before, keeps others from changing the same user.
    """

    def __init__(self, store: ChangeStore, delivery: Delivery, event_source: str) -> None:
        self._store = store
        self._delivery = delivery
        self._event_source = event_source

    def save(self, change: UserChange, context: ChangeContext) -> None:
        """Deliver the event, then make the change.

        Raises UserNotFound, ConcurrentChange and StoreUnavailable, in which case nothing was sent;
        ChangeNotMade, and then a log line names the event and the reason. The outcome of the
        delivery is known by the context's deadline; the change is stored after it.
        """
        event = describe(change, self._event_source, context.traceparent)
        claim = self._store.begin(change, serialise(event), context.idempotency_key)
        self._deliver(event, claim, context.deadline)
        self._apply(change, claim, event)

    def resume(self, creation: IdempotentCreation, context: ChangeContext) -> None:
        """Try a creation once more with the very same event, to the sink a duplicate at worst.

        Raises what `save` does.
        """
        event = deserialise(creation.event)
        claim = self._store.reclaim(creation)
        self._deliver(event, claim, context.deadline)
        self._apply(creation.change, claim, event)

    def _deliver(self, event: CloudEvent, claim: Claim, deadline: float) -> None:
        try:
            self._delivery.deliver(event, deadline)
        except NotDelivered as error:
            # A claim that cannot be released now expires.
            with suppress(StoreUnavailable):
                self._store.release(claim)
            log_failure("change not made", event, error.outcome, error.reason)
            raise ChangeNotMade(error.outcome, error.reason) from error

    def _apply(self, change: UserChange, claim: Claim, event: CloudEvent) -> None:
        try:
            self._store.apply(change, claim)
        except (StoreUnavailable, ClaimLost) as error:
            reason = f"its event was delivered, but the change could not be stored: {error!r}"
            log_failure("change not stored", event, Outcome.UNKNOWN, reason)
            raise ChangeNotStored(Outcome.UNKNOWN, reason) from error


def log_failure(message: str, event: CloudEvent, outcome: Outcome, reason: str) -> None:
    """One error line that names the event of a change that failed."""
    log.error(
        message,
        reason=reason,
        outcome=outcome.value,
        event_id=event.get_id(),
        event_type=event.get_type(),
        subject=event.get_subject(),
    )
