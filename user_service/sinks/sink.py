"""Sinks: what each must do, what an attempt at sending is, and what is known of one that failed."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Protocol

from user_service.sinks.cloudevents import CloudEvent

LATE = "the sink did not acknowledge in time"


class Outcome(Enum):
    """What is known of an event that was not acknowledged."""

    NOT_DELIVERED = "not-delivered"
    """The sink does not have it: it was not sent, or was refused."""
    UNKNOWN = "unknown"
    """The sink may have it: it was sent, and no answer tells."""


class Fault(Enum):
    """Whose fault it is that an event was not acknowledged, and so what helps."""

    UNAVAILABLE = "unavailable"
    """The sink's, for now: it cannot be reached, or cannot take events."""
    CONFLICT = "conflict"
    """The event's, for now: the sink cannot take this one yet."""
    REFUSED = "refused"
    """The event's, for ever: the sink will never accept it."""
    NO_BATCHES = "no-batches"
    """Nobody's: the sink takes single events only."""
    MISCONFIGURED = "misconfigured"
    """Ours, or the operator's: this is no sink, or not one that takes events from us."""


class NotDelivered(Exception):
    """The sink has not acknowledged the event.

    `retry_after`: seconds that the sink asked to wait, where it did. `shared`: whether it was
    sent as one with others, so that the fault may be another's.
    """

    def __init__(
        self,
        outcome: Outcome,
        reason: str,
        fault: Fault = Fault.UNAVAILABLE,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.fault = fault
        self.retry_after = retry_after
        self.shared = False


class Abandoned(Exception):
    """Nobody waits for this attempt any more; it MUST NOT send."""


class Attempt:
    """One attempt at sending, shared by the thread that sends and the one that waits."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._lock = threading.Lock()
        self._abandoned = False
        self._cut: Callable[[], None] | None = None

    @property
    def remaining(self) -> float:
        """Seconds that are left, a moment at least."""
        return max(0.001, self._deadline - time.monotonic())

    @property
    def may_have_left(self) -> bool:
        """Whether a byte of the event may have been sent."""
        return self._cut is not None

    def leave(self, cut: Callable[[], None]) -> None:
        """Called by a sink just before it sends; `cut` breaks the connection off.

        Raises Abandoned once nobody waits: told so, or since the deadline is past, which a sink
        may see before whoever waits does.
        """
        with self._lock:
            if self._abandoned or time.monotonic() >= self._deadline:
                raise Abandoned
            self._cut = cut

    def abandon(self) -> None:
        """Stop waiting. What has not left never will; what has is cut off."""
        with self._lock:
            self._abandoned = True
        if self._cut is not None:
            with suppress(OSError):
                self._cut()

    def failed(self, reason: str, fault: Fault = Fault.UNAVAILABLE) -> NotDelivered:
        """The error for a failure without an answer, by whether the event may have left."""
        outcome = Outcome.UNKNOWN if self.may_have_left else Outcome.NOT_DELIVERED
        return NotDelivered(outcome, reason, fault)


class Sink(Protocol):
    """Where events go."""

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        """Return once the sink has acknowledged the event.

        MUST call `attempt.leave` before the first byte. Raises NotDelivered, Abandoned.
        """
        ...


class Carrier(Protocol):
    """How the relay sends to a sink. Safe for `connections` threads at once.

    `most`: how many events one sending may have. `one_of_a_user`: whether a sending may have
    one event of a user at most, since what is sent together need not arrive in order.
    """

    most: int
    one_of_a_user: bool
    connections: int

    def carry(self, events: Sequence[bytes], attempt: Attempt) -> Sequence[NotDelivered | None]:
        """Send the events, which are in the JSON format, in their order.

        What became of each: None where the sink has acknowledged it. Where they were sent as
        one, all have the one fault, which may be that of any of them: see `NotDelivered.shared`.
        MUST call `attempt.leave` before the first byte. Raises nothing.
        """
        ...
