"""What becomes of the events that were sent, and what the relay believes of the sink then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import structlog

from user_service.relay.backoff import Backoffs, longer
from user_service.relay.circuit_breaker import LONGEST_RETRY_AFTER, LONGEST_SECONDS, Pace, Sink
from user_service.relay.outbox_queue import Settlement, Waiting
from user_service.relay.retry_policy import Fate, counts_as_trying, fate_of
from user_service.relay.sender_pool import Sending, Sent
from user_service.relay.status import Activity
from user_service.relay.user_queues import Lanes
from user_service.sinks.sink import NotDelivered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Failed:
    """Events that failed alike, in a sending that began at `began` (monotonic, seconds).

    `lately`: whether anything was acknowledged since they had failed before.
    """

    events: Sequence[Waiting]
    cause: NotDelivered
    began: float
    lately: bool


class Decisions:
    """Decides, and gathers what is to be written in `settlement`."""

    def __init__(
        self, lanes: Lanes, pace: Pace, activity: Activity, *, most: int, give_up: float
    ) -> None:
        """`most`: how many events a sending may have; `give_up`: seconds of trying after which an
        event is a dead letter.
        """
        self.lanes = lanes
        self.pace = pace
        self.settlement = Settlement()
        self.backoffs = Backoffs()
        self.most = most
        self._activity = activity
        self._give_up = give_up
        # How many sendings had succeeded when an event failed last.
        self._failed_at: dict[int, int] = {}
        self._by_fate: Mapping[Fate, Callable[[Failed], None]] = {
            Fate.DEAD: self._bury,
            Fate.SPLIT: self._split,
            Fate.SINGLES: self._send_singly,
            Fate.BACK_OFF: self._back_off,
            Fate.WAIT: self._wait,
            Fate.PAUSE: self._pause,
        }

    def decide(self, sent: Sent) -> None:
        """Decide about all events of a sending that has ended."""
        self.settlement.add(sent.sending.events)
        results = zip(sent.sending.events, sent.results, strict=True)
        for failure, pairs in groupby(results, key=lambda pair: pair[1]):
            events = [event for event, _ in pairs]
            if failure is None:
                self._deliver(events)
            else:
                self._fail(sent.sending, events, failure)
        self._activity.sink = self.pace.sink

    def begin_anew(self) -> None:
        """What was to be written is."""
        self.settlement = Settlement()

    def _deliver(self, events: Sequence[Waiting]) -> None:
        self.settlement.delivered += [event.id for event in events]
        self._close(events, "delivered")
        if self.pace.succeeded():
            self.backoffs.hurry()

    def _fail(self, sending: Sending, events: Sequence[Waiting], cause: NotDelivered) -> None:
        failed = Failed(events, cause, sending.began, lately=self._lately(sending, events))
        for event in events:
            self._failed_at[event.id] = self.pace.successes
        others = failed.lately or self._are_to_blame(events)
        self._by_fate[fate_of(cause, others_get_through=others)](failed)

    def _lately(self, sending: Sending, events: Sequence[Waiting]) -> bool:
        """Whether anything was acknowledged since they failed last, or else were sent."""
        at = min(self._failed_at.get(event.id, sending.successes) for event in events)
        return self.pace.successes > at

    def _are_to_blame(self, events: Sequence[Waiting]) -> bool:
        """Whether they failed by themselves before, and nothing says that the sink is away."""
        return self.pace.sink is Sink.OPEN and all(event.backoff_seconds > 0 for event in events)

    def _bury(self, failed: Failed) -> None:
        reason = failed.cause.reason
        for event in failed.events:
            self.settlement.dead[event.id] = reason
            log.error("an event is a dead letter", outbox_id=event.id, reason=reason)
        self._close(failed.events, "dead")

    def _split(self, failed: Failed) -> None:
        self.lanes.split(failed.events)
        self._retry(failed)

    def _send_singly(self, failed: Failed) -> None:
        if self.most > 1:
            log.warning("the sink takes no batches; events are sent one by one from now on")
        self.most = 1
        self._retry(failed)

    def _wait(self, failed: Failed) -> None:
        self.pace.wait(failed.began, failed.cause.reason, failed.cause.retry_after)
        self._retry(failed)

    def _pause(self, failed: Failed) -> None:
        self.pace.pause(failed.began, failed.cause.reason)
        self._retry(failed)

    def _retry(self, failed: Failed) -> None:
        """They are sent again as soon as something may be sent."""
        ids = [event.id for event in failed.events]
        self.settlement.failed.setdefault(failed.cause.reason, []).extend(ids)
        self.lanes.put_back(failed.events)
        self._activity.count("retried", len(ids))

    def _back_off(self, failed: Failed) -> None:
        counts = counts_as_trying(failed.cause, others_get_through=failed.lately)
        for event in failed.events:
            if counts and event.tried_seconds >= self._give_up:
                self._bury(replace(failed, events=[event]))
            else:
                self._try_later(event, failed, counts=counts)

    def _try_later(self, event: Waiting, failed: Failed, *, counts: bool) -> None:
        backoff = longer(event.backoff_seconds)
        # While nothing gets through it may be the sink after all: as often as that is probed.
        delay = backoff if failed.lately else min(backoff, LONGEST_SECONDS)
        delay = max(delay, min(failed.cause.retry_after or 0.0, LONGEST_RETRY_AFTER))
        tried = event.tried_seconds + (delay if counts else 0.0)
        later = replace(event, tried_seconds=tried, backoff_seconds=backoff)
        self.settlement.backing_off.append((later, failed.cause.reason))
        self.backoffs.add(event.id, delay)
        self.lanes.drop(event)
        self._activity.count("retried", 1)

    def _close(self, events: Sequence[Waiting], outcome: str) -> None:
        """They are not in the relay's hands any more."""
        self.lanes.forget(event.id for event in events)
        self.settlement.uncovers |= any(event.backoff_seconds > 0 for event in events)
        for event in events:
            self._failed_at.pop(event.id, None)
        self._activity.count(outcome, len(events))
