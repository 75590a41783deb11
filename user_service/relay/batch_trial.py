"""Batch trial: finds out whether the sink takes batches at all.

Receivers that know no batches answer 400 or 500 to one, as they would to a bad event or in an
outage. What tells them apart is that every event of a refused batch then passes by itself: so
events are sent singly until that is known of the first one.
"""

import time
from collections.abc import Sequence

import structlog

from user_service.relay.queued_events import QueuedEvent
from user_service.relay.timing import Clock, RelayTiming

REFUSED_IN_A_ROW = 3
"""Refused batches, none accepted between, after which single events are tried."""

log = structlog.get_logger()


class BatchTrial:
    """The size of batches, by what became of those before. Owned by the dispatcher thread."""

    def __init__(self, max_batch: int, timing: RelayTiming, clock: Clock = time.monotonic) -> None:
        """`max_batch`: how many events the sink takes at once, as far as is known."""
        self._max_batch = max_batch
        self._timing = timing
        self._clock = clock
        # Events of the first refused batch, until each has passed by itself or one did not.
        self._suspects: set[int] = set()
        self._refused_in_a_row = 0
        self._singles_until = 0.0
        self._is_said = False

    @property
    def max_batch(self) -> int:
        """How many events may be sent as one now."""
        suspended = self._clock() < self._singles_until
        tested = self._suspects and self._refused_in_a_row >= REFUSED_IN_A_ROW
        return 1 if suspended or tested else self._max_batch

    def end(self) -> None:
        """The sink said that it takes no batches: send single events from now on."""
        if self._max_batch > 1:
            log.warning("the sink takes no batches; events are sent one by one from now on")
        self._max_batch = 1

    def refused(self, events: Sequence[QueuedEvent], *, by_one_event: bool) -> None:
        """A batch of these events was refused whole.

        `by_one_event`: whether one of them may be to blame, which halving finds in few posts.
        """
        if not self._suspects:
            self._suspects = {event.id for event in events}
        self._refused_in_a_row += 1 if by_one_event else REFUSED_IN_A_ROW

    def failed_alone(self, event: QueuedEvent) -> None:
        """The event failed by itself: it, or the sink, was to blame and not the batch."""
        if event.id in self._suspects:
            self._clear()

    def delivered(self, events: Sequence[QueuedEvent]) -> None:
        """These events were delivered, as one or by itself."""
        if len(events) > 1:
            self._clear()
        elif events[0].id in self._suspects:
            self._suspects.remove(events[0].id)
            if not self._suspects:
                self._clear()
                self._suspend()

    def _clear(self) -> None:
        self._suspects = set()
        self._refused_in_a_row = 0

    def _suspend(self) -> None:
        seconds = self._timing.singles_seconds
        self._singles_until = self._clock() + seconds
        if not self._is_said:
            self._is_said = True
            log.warning(
                "the sink refuses batches and takes their events one by one; "
                "a batch is tried again from time to time",
                seconds=seconds,
            )
