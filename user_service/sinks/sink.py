"""Sink: what every sink does; an attempt at sending; the outcome and the fault of a failed one."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Protocol

from user_service.sinks.cloudevents import CloudEvent

DEADLINE_EXCEEDED = "the sink did not acknowledge in time"


class Outcome(Enum):
    """Knowledge of an event that was not acknowledged."""

    NOT_DELIVERED = "not-delivered"
    """The sink does not have it: it was not sent, or was refused."""
    UNKNOWN = "unknown"
    """The sink may have it: it was sent, and not answered."""


class Fault(Enum):
    """Whose fault it is that an event was not acknowledged, and for how long."""

    UNAVAILABLE = "unavailable"
    """The sink's, for now: it cannot be reached, or cannot take events."""
    CONFLICT = "conflict"
    """The event's, for now: the sink cannot take this one yet."""
    REFUSED = "refused"
    """The event's, for ever: the sink will never accept it."""
    NO_BATCHES = "no-batches"
    """The sink does not support batches."""
    MISCONFIGURED = "misconfigured"
    """Ours, or the operator's: this is no sink, or not one that takes events from us."""


class NotDelivered(Exception):
    """The sink has not acknowledged the event.

    `retry_after`: seconds that the sink asked to wait, where it did. `batch_failure`: whether it
    was sent as one with others, so that the fault may be another event's. `perhaps_no_batches`:
    whether a sink that knows no batches would have answered so.
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
        self.batch_failure = False
        self.perhaps_no_batches = False


class Cancelled(Exception):
    """The attempt was cancelled; it MUST NOT send."""


class Attempt:
    """One attempt at sending, shared by the thread that sends and the thread that waits."""

    def __init__(self, deadline: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`deadline`: by `clock`, in seconds."""
        self._deadline = deadline
        self._clock = clock
        self._lock = threading.Lock()
        # Guarded by _lock, so that an attempt is cancelled before it is sent, or cut off.
        self._cancelled = False
        # Set by the thread that sends, under _lock; never None again.
        self._cut: Callable[[], None] | None = None

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, a moment at least."""
        return max(0.001, self._deadline - self._clock())

    @property
    def may_have_been_sent(self) -> bool:
        """Whether a byte of the event may have been sent."""
        return self._cut is not None

    def start_sending(self, cut: Callable[[], None]) -> None:
        """Called by a sink just before it sends a byte; `cut` breaks the connection off.

        Raises Cancelled where `cancel` was called or the deadline is past, which the thread that
        sends may see first.
        """
        with self._lock:
            if self._cancelled or self._clock() >= self._deadline:
                raise Cancelled
            self._cut = cut

    def cancel(self) -> None:
        """Stop waiting. What was not sent never will be; what is being sent is cut off."""
        with self._lock:
            self._cancelled = True
        if self._cut is not None:
            with suppress(OSError):
                self._cut()

    def failed(self, reason: str, fault: Fault = Fault.UNAVAILABLE) -> NotDelivered:
        """The failure of an attempt without an answer, by whether it may have been sent."""
        outcome = Outcome.UNKNOWN if self.may_have_been_sent else Outcome.NOT_DELIVERED
        return NotDelivered(outcome, reason, fault)


class Sink(Protocol):
    """Where events go."""

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        """Return once the sink has acknowledged the event.

        MUST call `attempt.start_sending` before the first byte. Raises NotDelivered, Cancelled.
        """
        ...


class OpenSink(Sink, Protocol):
    """A sink and what it holds open."""

    def close(self) -> None:
        """Let go of connections; the sink is not used afterwards."""
        ...


class BatchSender(Protocol):
    """A sink as the relay uses it. Safe for `connections` threads at once.

    `max_batch`: how many events one batch may have. `one_event_per_user`: whether a batch may have
    one event of a user at most, since what is sent together need not arrive in order.
    """

    max_batch: int
    one_event_per_user: bool
    connections: int

    def send_batch(
        self, events: Sequence[bytes], attempt: Attempt
    ) -> Sequence[NotDelivered | None]:
        """Send the events, which are in the JSON format, in their order.

        Returns for each None where the sink has acknowledged it, else its failure. Events that
        were sent as one share it: see `NotDelivered.batch_failure`.
        MUST call `attempt.start_sending` before the first byte. Raises nothing.
        """
        ...
