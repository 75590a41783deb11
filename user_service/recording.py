"""How a change and its event become one fact: in which order they happen, decided here alone."""

import structlog

from user_service.delivery import Delivery, NotDelivered, Outcome
from user_service.events import CloudEvent, describe
from user_service.store import StoreUnavailable, UserStore
from user_service.users import Context, Happening

log = structlog.get_logger()


class NotRecorded(Exception):
    """The change was not made, or is not known to have been.

    `outcome` tells what is known of its event: a surplus one may be in the sink's log.
    """

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class Direct:
    """The event first: only once the sink has acknowledged it is the change stored.

    What it promises: every stored change has its event. A surplus event can exist only for a
    request that was answered 5xx or not at all. No transaction is open while it sends.
    """

    def __init__(self, store: UserStore, delivery: Delivery, event_source: str) -> None:
        self._store = store
        self._delivery = delivery
        self._event_source = event_source

    def record(self, happening: Happening, context: Context) -> None:
        """Deliver the event, then store the change.

        Raises NotRecorded, by the context's deadline; the log line says why and names the event.
        """
        event = describe(happening, self._event_source, context.traceparent)
        try:
            self._delivery.deliver(event, context.deadline)
        except NotDelivered as error:
            raise _not_recorded(event, error.outcome, error.reason) from error
        try:
            self._store.apply(happening)
        except StoreUnavailable as error:
            reason = f"its event was delivered, but the change could not be stored: {error}"
            raise _not_recorded(event, Outcome.UNKNOWN, reason) from error


def _not_recorded(event: CloudEvent, outcome: Outcome, reason: str) -> NotRecorded:
    log.error(
        "change not made",
        reason=reason,
        outcome=outcome.value,
        event_id=event.get_id(),
        event_type=event.get_type(),
        subject=event.get_subject(),
    )
    return NotRecorded(outcome, reason)
