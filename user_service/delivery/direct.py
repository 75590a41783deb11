"""How a change and its event become one fact: in which order they happen, decided here alone."""

from contextlib import suppress

import structlog

from user_service.delivery.deadline import Delivery
from user_service.sinks.cloudevents import CloudEvent, describe, deserialise, serialise
from user_service.sinks.sink import NotDelivered, Outcome
from user_service.store.changes import ChangeStore
from user_service.store.holds import Hold, HoldLost
from user_service.store.outbox import OutboxFull
from user_service.store.transactions import StoreUnavailable
from user_service.users.domain import ChangeUnderWay, Context, Creation, Happening, Kind

log = structlog.get_logger()


class NotRecorded(Exception):
    """The change was not made, or is not known to have been.

    `outcome` tells what is known of its event: a surplus one may be in the sink's log.
    """

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class NotStored(NotRecorded):
    """The sink has the event, but the change could not be stored, or is not known to be."""


class Direct:
    """The event first: only once the sink has acknowledged it is the change stored.

    What it promises: every stored change has its event. A surplus event can exist only for a
    request that was answered 5xx or not at all. No transaction is open while it sends: what
    keeps others from changing the same user meanwhile is a claim, committed before.
    """

    def __init__(self, store: ChangeStore, delivery: Delivery, event_source: str) -> None:
        self._store = store
        self._delivery = delivery
        self._event_source = event_source

    def record(self, happening: Happening, context: Context) -> None:
        """Deliver the event, then store the change.

        Raises NoSuchUser, ChangeUnderWay and StoreUnavailable, in which case nothing was sent;
        NotRecorded, and then a log line says why and names the event. It is delivered, or
        known not to be, by the context's deadline; storing the change comes after.
        """
        event = describe(happening, self._event_source, context.traceparent)
        hold: Hold | None = None
        if happening.kind is not Kind.CREATED:
            hold = self._store.claim(happening, serialise(event))
        elif context.idempotency_key is not None:
            hold = self._store.begin(context.idempotency_key, happening, serialise(event))
        self._deliver_and_store(event, happening, hold, context.deadline)

    def resume(self, creation: Creation, context: Context) -> None:
        """Try a creation once more, with the very same event: a duplicate to the sink at worst.

        Raises what `record` does.
        """
        hold = self._store.hold_again(creation.key)
        event = deserialise(creation.event)
        self._deliver_and_store(event, creation.happening, hold, context.deadline)

    def _deliver_and_store(
        self, event: CloudEvent, happening: Happening, hold: Hold | None, deadline: float
    ) -> None:
        try:
            self._delivery.deliver(event, deadline)
        except NotDelivered as error:
            if hold is not None:
                _release(self._store, hold)
            _say("change not made", event, error.outcome, error.reason)
            raise NotRecorded(error.outcome, error.reason) from error
        try:
            self._store.apply(happening, hold)
        except (StoreUnavailable, HoldLost) as error:
            reason = f"its event was delivered, but the change could not be stored: {error!r}"
            _say("change not stored", event, Outcome.UNKNOWN, reason)
            raise NotStored(Outcome.UNKNOWN, reason) from error


class Outbox:
    """The change and its event in one transaction; the relay delivers.

    What it promises: neither can exist without the other, and the answer waits for no sink.
    """

    def __init__(self, store: ChangeStore, event_source: str) -> None:
        self._store = store
        self._event_source = event_source

    def record(self, happening: Happening, context: Context) -> None:
        """Store the change and its event.

        Raises NoSuchUser, ChangeUnderWay, OutboxFull and StoreUnavailable.
        """
        event = serialise(describe(happening, self._event_source, context.traceparent))
        self._store.apply_with_event(happening, event, key=context.idempotency_key)

    def resume(self, creation: Creation, _: Context) -> None:
        """The same for a creation that was begun in direct delivery, with the very same event.

        Raises what `record` does.
        """
        hold = self._store.hold_again(creation.key)
        try:
            self._store.apply_with_event(creation.happening, creation.event, hold=hold)
        except HoldLost:
            raise ChangeUnderWay from None
        except OutboxFull:
            _release(self._store, hold)
            raise


def _release(store: ChangeStore, hold: Hold) -> None:
    """Let go of what is held; where that cannot be now, it lapses."""
    with suppress(StoreUnavailable):
        store.release(hold)


def _say(what: str, event: CloudEvent, outcome: Outcome, reason: str) -> None:
    log.error(
        what,
        reason=reason,
        outcome=outcome.value,
        event_id=event.get_id(),
        event_type=event.get_type(),
        subject=event.get_subject(),
    )
