"""Direct delivery: the event first; the change is made once the sink has acknowledged it."""

from contextlib import suppress
from enum import Enum

import structlog

from user_service.delivery.deadline import Delivery
from user_service.sinks.cloudevents import CloudEvent, describe, deserialise, serialise
from user_service.sinks.sink import Fault, NotDelivered, Outcome
from user_service.store.changes import ChangeStore
from user_service.store.intents import Claim, ClaimLost, is_withdrawn
from user_service.store.transactions import StoreUnavailable
from user_service.users.domain import ChangeContext, ChangeKind, IdempotentCreation, UserChange

log = structlog.get_logger()


class Prospect(Enum):
    """What can still become of a change whose request failed. It MUST stay true."""

    NEVER = "never"
    """It was not made and never will be: the sink does not have its event."""
    LATER = "later"
    """It may have been made, or still be, once: the settler completes it."""
    WITHDRAWN = "withdrawn"
    """A creation that was not made and never will be: the settler withdraws its event."""
    UNCONFIRMED = "unconfirmed"
    """A creation that may have been made: the database failed while it was committed."""


class ChangeNotMade(Exception):
    """The change was not made, or is not known to have been."""

    def __init__(self, prospect: Prospect, reason: str) -> None:
        super().__init__(reason)
        self.prospect = prospect
        self.outcome = Outcome.NOT_DELIVERED if prospect is Prospect.NEVER else Outcome.UNKNOWN


class DirectDelivery:
    """Begins a change, delivers its event, applies the change.

    No transaction is open while the event is sent: the intent, committed before, keeps others
    from changing the same user, and is settled by another thread or process where this one ends.
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
        event = describe(change, self._event_source, context.traceparent, context.principal)
        claim = self._store.begin(change, serialise(event), context.idempotency_key)
        unknown = (
            Prospect.WITHDRAWN if is_withdrawn(change, context.idempotency_key) else Prospect.LATER
        )
        try:
            self._delivery.deliver(event, context.deadline)
        except NotDelivered as error:
            never = error.outcome is Outcome.NOT_DELIVERED
            self._fail(event, error, self._give_up(claim, unknown, never=never))
        self._apply(change, claim, event, unknown)

    def resume(self, creation: IdempotentCreation, context: ChangeContext) -> None:
        """Try a creation once more with the very same event, to the sink a duplicate at worst.

        Raises what `save` does.
        """
        intent, claim = self._store.reclaim(creation.user.id)
        event = deserialise(intent.event)
        try:
            self._delivery.deliver(event, context.deadline)
        except NotDelivered as error:
            # Only a sink that refuses it says that it does not have it from an earlier attempt.
            never = refuses(error)
            self._fail(event, error, self._give_up(claim, Prospect.LATER, never=never))
        self._apply(intent.change, claim, event, Prospect.LATER)

    def _give_up(self, claim: Claim, unknown: Prospect, *, never: bool) -> Prospect:
        """End the intent, or leave it to the settler; MUST be on disk before it is answered."""
        with suppress(StoreUnavailable):
            if never and self._store.drop(claim):
                return Prospect.NEVER
        # Where it cannot be released now, the settler takes it over later.
        with suppress(StoreUnavailable):
            self._store.release(claim)
        return unknown

    def _fail(self, event: CloudEvent, error: NotDelivered, prospect: Prospect) -> None:
        failed = ChangeNotMade(prospect, error.reason)
        log_failure("change not made", event, failed.outcome, error.reason)
        raise failed from error

    def _apply(
        self, change: UserChange, claim: Claim, event: CloudEvent, unknown: Prospect
    ) -> None:
        try:
            self._store.apply(change, claim)
        except (StoreUnavailable, ClaimLost) as error:
            prospect = self._look(change, claim, unknown)
            if prospect is None:
                return
            reason = f"its event was delivered, but the change could not be stored: {error!r}"
            log_failure("change not stored", event, Outcome.UNKNOWN, reason)
            raise ChangeNotMade(prospect, reason) from error

    def _look(self, change: UserChange, claim: Claim, unknown: Prospect) -> Prospect | None:
        """The prospect of a change that could not be applied; None where it is made after all."""
        try:
            if not self._store.release(claim) and self._is_made(change):
                return None
        except StoreUnavailable:
            return Prospect.UNCONFIRMED if unknown is Prospect.WITHDRAWN else unknown
        return unknown

    def _is_made(self, change: UserChange) -> bool:
        user = self._store.get(change.user.id)
        if change.kind is ChangeKind.DELETED:
            return user is None
        return user is not None and user.version >= change.user.version


def refuses(error: NotDelivered) -> bool:
    """Whether the sink will never accept the event, and so does not have it."""
    return error.fault is Fault.REFUSED and error.outcome is Outcome.NOT_DELIVERED


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
