"""Outcomes: carries out the retry policy on events that were sent.

"Others were delivered" decides whose fault a failure is: as far as an event is concerned, they
were if anything was acknowledged since it failed last, or else since it was sent.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import structlog

from user_service.relay.backoff import Backoff
from user_service.relay.batch_trial import BatchTrial
from user_service.relay.burial_limits import BurialLimits
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState
from user_service.relay.queued_events import PendingWrites, QueuedEvent
from user_service.relay.retry_policy import Action, action_for, counts_towards_give_up
from user_service.relay.sender_pool import Batch, BatchResult
from user_service.relay.status import RelayStatus
from user_service.relay.timing import Clock, RelayTiming
from user_service.relay.user_queues import UserQueues
from user_service.sinks.sink import Fault, NotDelivered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Failed:
    """Events of a batch that failed alike. `began`: the batch's."""

    events: Sequence[QueuedEvent]
    cause: NotDelivered
    began: float
    others_delivered: bool


class OutcomeHandler:
    """Acts on the outcome of each batch, and gathers in `pending` what is to be written.

    With all that it holds it is owned by the dispatcher thread.
    """

    def __init__(
        self,
        queues: UserQueues,
        breaker: CircuitBreaker,
        backoff: Backoff,
        status: RelayStatus,
        timing: RelayTiming,
        *,
        max_batch: int,
        clock: Clock = time.monotonic,
    ) -> None:
        """`max_batch`: how many events the sink takes at once."""
        self.queues = queues
        self.breaker = breaker
        self.pending = PendingWrites()
        self.backoff = backoff
        self.batches = BatchTrial(max_batch, timing, clock)
        self.burials = BurialLimits(timing, clock)
        self._status = status
        self._timing = timing
        self._clock = clock
        # By an event's id: the breaker's successes when it failed last.
        self._failed_at: dict[int, int] = {}
        self._actions: Mapping[Action, Callable[[Failed], None]] = {
            Action.DEAD_LETTER: self._dead_letter,
            Action.SPLIT_BATCH: self._split,
            Action.SEND_SINGLY: self._send_singly,
            Action.BACK_OFF: self._back_off,
            Action.WAIT_FOR_SINK: self._wait,
            Action.PAUSE_SINK: self._pause,
        }

    def handle(self, result: BatchResult) -> None:
        """Act on the outcome of a batch, for each of its events."""
        self.pending.add(result.batch.events, self._clock())
        results = zip(result.batch.events, result.results, strict=True)
        for failure, pairs in groupby(results, key=lambda pair: pair[1]):
            events = [event for event, _ in pairs]
            if failure is None:
                self._deliver(events)
            else:
                self._fail(result.batch, events, failure)

    def clear_pending(self) -> None:
        """Begin anew: `pending` is written."""
        self.pending = PendingWrites()

    def _deliver(self, events: Sequence[QueuedEvent]) -> None:
        self.batches.delivered(events)
        self.burials.delivered()
        self.pending.delivered += [event.id for event in events]
        self._close(events, "delivered")
        if self.breaker.record_success():
            self.backoff.make_all_due()

    def _fail(self, batch: Batch, events: Sequence[QueuedEvent], cause: NotDelivered) -> None:
        failed = Failed(
            events, cause, batch.began, others_delivered=self._others_delivered(batch, events)
        )
        for event in events:
            self._failed_at[event.id] = self.breaker.successes
        if cause.perhaps_no_batches:
            self.batches.refused(events, by_one_event=cause.fault is Fault.REFUSED)
        elif not cause.batch_failure:
            self.batches.failed_alone(events[0])
        others = failed.others_delivered or self._are_to_blame(events)
        self._actions[action_for(cause, others_delivered=others)](failed)

    def _others_delivered(self, batch: Batch, events: Sequence[QueuedEvent]) -> bool:
        """Whether others were delivered: see above."""
        at = min(self._failed_at.get(event.id, batch.successes) for event in events)
        return self.breaker.successes > at

    def _are_to_blame(self, events: Sequence[QueuedEvent]) -> bool:
        """Whether they failed by themselves before, while the sink is available."""
        return self.breaker.state is SinkState.AVAILABLE and all(
            event.backoff_seconds > 0 for event in events
        )

    def _dead_letter(self, failed: Failed) -> None:
        for event in failed.events:
            if (exceeded := self.burials.exceeded) is None:
                self._bury(event, failed.cause)
            else:
                self._retry(replace(failed, events=[event]))
            # After the last that may be buried, too: no more are sent only to be refused.
            if (cause := exceeded or self.burials.all_refused) is not None:
                self.breaker.pause(failed.began, failed.cause.reason, cause)

    def _bury(self, event: QueuedEvent, cause: NotDelivered) -> None:
        self.pending.dead[event.id] = cause.reason
        log.error("an event is a dead letter", outbox_id=event.id, reason=cause.reason)
        self._close([event], "dead")
        self.burials.buried(refused=cause.fault is Fault.REFUSED)

    def _split(self, failed: Failed) -> None:
        self.queues.split(failed.events)
        self._retry(failed)

    def _send_singly(self, failed: Failed) -> None:
        self.batches.end()
        self._retry(failed)

    def _wait(self, failed: Failed) -> None:
        if failed.cause.perhaps_no_batches:
            self.queues.send_alone(failed.events)
        self.breaker.trip(failed.began, failed.cause.reason, failed.cause.retry_after)
        self._retry(failed)

    def _pause(self, failed: Failed) -> None:
        self.breaker.pause(failed.began, failed.cause.reason)
        self._retry(failed)

    def _retry(self, failed: Failed) -> None:
        """Send them again as soon as the circuit breaker allows."""
        ids = [event.id for event in failed.events]
        self.pending.failed.setdefault(failed.cause.reason, []).extend(ids)
        self.queues.put_back(failed.events)
        self._status.count("retried", len(ids))

    def _back_off(self, failed: Failed) -> None:
        counts = counts_towards_give_up(failed.cause, others_delivered=failed.others_delivered)
        for event in failed.events:
            if counts and event.tried_seconds >= self._timing.give_up_seconds:
                self._dead_letter(replace(failed, events=[event]))
            else:
                self._try_later(event, failed, counts=counts)

    def _try_later(self, event: QueuedEvent, failed: Failed, *, counts: bool) -> None:
        backoff = self.backoff.next_backoff(event.backoff_seconds)
        # It may be the sink after all while no others are delivered: no rarer than it is probed.
        delay = (
            backoff if failed.others_delivered else min(backoff, self._timing.longest_probe_seconds)
        )
        asked = failed.cause.retry_after or 0.0
        delay = max(delay, min(asked, self._timing.longest_retry_after_seconds))
        tried = event.tried_seconds + (delay if counts else 0.0)
        later = replace(event, tried_seconds=tried, backoff_seconds=backoff)
        self.pending.backing_off.append((later, failed.cause.reason))
        self.backoff.add(event.id, delay)
        self.queues.drop(event)
        self._status.count("retried", 1)

    def _close(self, events: Sequence[QueuedEvent], outcome: str) -> None:
        """Let go of events that have ended."""
        self.queues.forget(event.id for event in events)
        self.pending.frees_later_events |= any(event.backoff_seconds > 0 for event in events)
        for event in events:
            self._failed_at.pop(event.id, None)
        self._status.count(outcome, len(events))
