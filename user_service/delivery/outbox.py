"""Outbox delivery: the change and its event in one transaction; the relay delivers."""

from user_service.sinks.cloudevents import describe, serialise
from user_service.store.changes import ChangeStore
from user_service.users.domain import (
    ChangeContext,
    ConcurrentChange,
    IdempotentCreation,
    UserChange,
)


class OutboxDelivery:
    """Stores a change together with its event: neither can exist without the other."""

    def __init__(self, store: ChangeStore, event_source: str) -> None:
        self._store = store
        self._event_source = event_source

    def save(self, change: UserChange, context: ChangeContext) -> None:
        """Store the change and its event.

        Raises UserNotFound, ConcurrentChange, OutboxFull and StoreUnavailable.
        """
        event = serialise(
            describe(change, self._event_source, context.traceparent, context.principal)
        )
        self._store.apply_with_event(change, event, key=context.idempotency_key)

    def resume(self, _creation: IdempotentCreation, _context: ChangeContext) -> None:
        """Raises ConcurrentChange: a creation that is not made is one of direct delivery."""
        raise ConcurrentChange
