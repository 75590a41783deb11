"""Whose fault a failure is: the event's only while others get through. An outage kills nothing."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from tests.support.manual_clock import ManualClock
from tests.support.relay_harness import timing
from user_service.relay.backoff import Backoff
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState
from user_service.relay.events import QueuedEvent
from user_service.relay.outcomes import OutcomeHandler
from user_service.relay.sender_pool import Batch, BatchResult
from user_service.relay.status import RelayStatus
from user_service.relay.user_queues import UserQueues
from user_service.sinks.sink import Attempt, Fault, NotDelivered, Outcome

GIVE_UP = 100.0
A, B = QueuedEvent(1, "a", b"{}"), QueuedEvent(2, "b", b"{}")


class Desk:
    """An outcome handler that is told what was sent, on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.queues = UserQueues(per_user=100)
        seconds = timing(give_up_seconds=GIVE_UP)
        self.breaker = CircuitBreaker(seconds, self.clock)
        self.backoff = Backoff(seconds, self.clock)
        self.handler = OutcomeHandler(
            self.queues,
            self.breaker,
            self.backoff,
            RelayStatus(),
            seconds,
            max_batch=10,
            clock=self.clock,
        )

    def sent(self, *events: QueuedEvent, successes: int | None = None) -> Batch:
        """A sending of these, which are known and at the head of their queues."""
        self.queues.add(events)
        self.queues.unblock({event.subject for event in events})
        self.queues.next_batch(len(events), one_event_per_user=False)
        at, number = self.clock.now, self.breaker.successes if successes is None else successes
        return Batch(events, Attempt(at + 10, self.clock), at, at + 10, number)

    def ended(self, sending: Batch, fault: Fault | None, retry_after: float | None = None) -> None:
        """What became of it: one outcome for all."""
        results: Sequence[NotDelivered | None] = [None] * len(sending.events)
        if fault is not None:
            failure = NotDelivered(Outcome.UNKNOWN, "reason", fault, retry_after)
            failure.batch_failure = len(sending.events) > 1
            results = [failure] * len(sending.events)
        with capture_logs():
            self.handler.handle(BatchResult(sending, results))

    def fails(self, event: QueuedEvent, fault: Fault = Fault.UNAVAILABLE) -> QueuedEvent:
        """The event fails once more; as it is then."""
        self.ended(self.sent(event), fault)
        backing_off = self.handler.pending.backing_off
        self.handler.clear_pending()
        return backing_off[-1][0] if backing_off else event

    def another_gets_through(self) -> None:
        self.ended(self.sent(B), None)
        self.handler.clear_pending()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_failure_while_nothing_gets_through_is_the_sinks(desk: Desk) -> None:
    for _ in range(50):
        assert desk.fails(A) == A
    assert desk.breaker.state is SinkState.UNAVAILABLE


def test_a_failure_between_two_of_which_others_get_through_is_the_events(desk: Desk) -> None:
    desk.fails(A)
    desk.another_gets_through()
    event = desk.fails(A)
    assert (event.backoff_seconds, event.tried_seconds) == (0.5, 0.5)
    assert desk.breaker.state is SinkState.AVAILABLE


def test_success_of_another_while_it_was_on_its_way_makes_it_the_events(desk: Desk) -> None:
    sending = desk.sent(A)
    desk.another_gets_through()
    desk.ended(sending, Fault.UNAVAILABLE)
    ((event, _),) = desk.handler.pending.backing_off
    assert event.backoff_seconds == 0.5


def test_an_event_that_failed_alone_once_does_not_die_in_an_outage(desk: Desk) -> None:
    sending = desk.sent(A)
    desk.another_gets_through()
    desk.ended(sending, Fault.UNAVAILABLE)
    ((event, _),) = desk.handler.pending.backing_off
    desk.handler.clear_pending()
    tried = event.tried_seconds
    for _ in range(200):
        event = desk.fails(event)
    assert event.tried_seconds == tried


def test_an_event_that_failed_alone_once_is_tried_as_often_as_the_sink_is_probed_in_an_outage(
    desk: Desk,
) -> None:
    event = desk.fails(A)
    desk.another_gets_through()
    event = desk.fails(event)
    for _ in range(20):
        desk.backoff.take_due(10)
        event = desk.fails(event)
        assert desk.backoff.due_in <= 5.0
        desk.clock.now += desk.backoff.due_in
    assert desk.breaker.state is SinkState.AVAILABLE, "one bad event in a quiet hour stops nobody"


def test_in_an_outage_that_is_known_all_wait_together(desk: Desk) -> None:
    event = desk.fails(A)
    desk.another_gets_through()
    event = desk.fails(event)
    desk.ended(desk.sent(B), Fault.UNAVAILABLE)
    desk.handler.clear_pending()
    assert desk.breaker.state is SinkState.UNAVAILABLE
    assert desk.fails(event) == event
    assert desk.handler.pending.backing_off == []


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.CONFLICT])
def test_an_event_is_a_dead_letter_once_it_was_tried_long_enough_while_others_got_through(
    desk: Desk, fault: Fault
) -> None:
    event, failures = A, 0
    while event.tried_seconds < GIVE_UP:
        desk.another_gets_through()
        event = desk.fails(event, fault)
        failures += 1
        assert failures < 50
    # 0.5 + 1 + 2 + 4 + ... + 64 s.
    assert failures in {8, 9}
    desk.ended(desk.sent(event), fault)
    assert desk.handler.pending.dead == {}, "nobody else got through"
    desk.handler.clear_pending()
    desk.another_gets_through()
    desk.ended(desk.sent(event), fault)
    assert desk.handler.pending.dead == {A.id: "reason"}


def test_what_needs_setting_right_buries_nothing_however_long_it_was_tried(desk: Desk) -> None:
    old = QueuedEvent(1, "a", b"{}", tried_seconds=10 * GIVE_UP, backoff_seconds=300)
    for _ in range(5):
        desk.another_gets_through()
        desk.ended(desk.sent(old), Fault.MISCONFIGURED)
    assert desk.handler.pending.dead == {}


def test_retry_after_makes_one_event_wait_longer_and_not_shorter(desk: Desk) -> None:
    for asked, waited in ((7.0, 7.0), (0.0, 1.0), (10.0**9, 3600.0)):
        sending = desk.sent(QueuedEvent(1, "a", b"{}", backoff_seconds=0.5))
        desk.another_gets_through()
        desk.ended(sending, Fault.UNAVAILABLE, asked)
        assert desk.backoff.due_in == waited
        desk.backoff.make_all_due()
        desk.backoff.take_due(1)


def test_success_after_a_wait_makes_everything_due(desk: Desk) -> None:
    desk.fails(A, Fault.CONFLICT)
    assert desk.backoff.due_in > 0
    desk.ended(desk.sent(B), Fault.UNAVAILABLE)
    desk.another_gets_through()
    assert desk.backoff.due_in == 0
