"""What becomes of the events that were sent, and what the relay believes of the sink then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import structlog

from user_service.delivery import NotDelivered
from user_service.relay.activity import Activity
from user_service.relay.backoffs import Backoffs, longer
from user_service.relay.fates import Fate, counts_as_trying, fate_of
from user_service.relay.lanes import Lanes
from user_service.relay.pace import LONGEST_RETRY_AFTER, Pace
from user_service.relay.sending import Sending, Sent
from user_service.relay.waiting import Settlement, Waiting

log = structlog.get_logger()


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
        # How many sendings had succeeded when an event failed first, and when it failed last.
        self._first_failed: dict[int, int] = {}
        self._last_failed: dict[int, int] = {}
        self._by_fate: Mapping[Fate, Callable[[Sending, Sequence[Waiting], NotDelivered], None]] = {
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

    def _fail(self, sending: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        others = self._others_get_through(sending, events)
        self._by_fate[fate_of(failure, others_get_through=others)](sending, events, failure)

    def _others_get_through(self, sending: Sending, events: Sequence[Waiting]) -> bool:
        """Whether anything was acknowledged since the first of them failed first."""
        first = self._first_failed
        before = min(first.setdefault(event.id, sending.successes) for event in events)
        return self.pace.successes > before

    def _bury(self, _: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        for event in events:
            self.settlement.dead[event.id] = failure.reason
            log.error("an event is a dead letter", outbox_id=event.id, reason=failure.reason)
        self._close(events, "dead")

    def _split(self, _: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        self.lanes.split(events)
        self._retry(events, failure)

    def _send_singly(self, _: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        if self.most > 1:
            log.warning("the sink takes no batches; events are sent one by one from now on")
        self.most = 1
        self._retry(events, failure)

    def _wait(self, sending: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        self.pace.wait(sending.began, failure.reason, failure.retry_after)
        self._retry(events, failure)

    def _pause(self, sending: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        self.pace.pause(sending.began, failure.reason)
        self._retry(events, failure)

    def _retry(self, events: Sequence[Waiting], failure: NotDelivered) -> None:
        """They are sent again as soon as something may be sent."""
        ids = [event.id for event in events]
        self.settlement.failed.setdefault(failure.reason, []).extend(ids)
        self.lanes.put_back(events)
        self._activity.count("retried", len(events))

    def _back_off(self, sending: Sending, events: Sequence[Waiting], failure: NotDelivered) -> None:
        for event in events:
            if event.tried_seconds >= self._give_up:
                self._bury(sending, [event], failure)
            else:
                self._try_later(event, failure)

    def _try_later(self, event: Waiting, failure: NotDelivered) -> None:
        backoff = longer(event.backoff_seconds)
        delay = max(backoff, min(failure.retry_after or 0.0, LONGEST_RETRY_AFTER))
        # Not in an outage: only what was acknowledged since it failed last makes it count.
        before = self._last_failed.get(event.id, self._first_failed[event.id])
        others = self.pace.successes > before
        self._last_failed[event.id] = self.pace.successes
        counted = delay if counts_as_trying(failure, others_get_through=others) else 0.0
        later = replace(event, tried_seconds=event.tried_seconds + counted, backoff_seconds=backoff)
        self.settlement.backing_off.append((later, failure.reason))
        self.backoffs.add(event.id, delay)
        self.lanes.drop(event)
        self._activity.count("retried", 1)

    def _close(self, events: Sequence[Waiting], outcome: str) -> None:
        """They are not in the relay's hands any more."""
        self.lanes.forget(event.id for event in events)
        for event in events:
            self._first_failed.pop(event.id, None)
            self._last_failed.pop(event.id, None)
        self._activity.count(outcome, len(events))
