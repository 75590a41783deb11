"""Outcomes: a failure is the event's fault only while others are delivered."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from tests.support.manual_clock import ManualClock
from tests.support.relay_harness import timing
from user_service.relay.backoff import Backoff
from user_service.relay.circuit_breaker import CircuitBreaker, SinkState
from user_service.relay.outcomes import OutcomeHandler
from user_service.relay.queued_events import QueuedEvent
from user_service.relay.sender_pool import Batch, BatchResult
from user_service.relay.status import RelayStatus
from user_service.relay.user_queues import UserQueues
from user_service.sinks.sink import Attempt, Fault, NotDelivered, Outcome

GIVE_UP = 100.0
A, B = QueuedEvent(1, "a", b"{}"), QueuedEvent(2, "b", b"{}")


class Scenario:
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

    def another_is_delivered(self) -> None:
        self.ended(self.sent(B), None)
        self.handler.clear_pending()


@pytest.fixture
def scenario() -> Scenario:
    return Scenario()


def test_a_failure_while_no_others_are_delivered_is_the_sinks_fault(scenario: Scenario) -> None:
    for _ in range(50):
        assert scenario.fails(A) == A
    assert scenario.breaker.state is SinkState.UNAVAILABLE


def test_a_second_failure_after_others_were_delivered_is_the_events_fault(
    scenario: Scenario,
) -> None:
    scenario.fails(A)
    scenario.another_is_delivered()
    event = scenario.fails(A)
    assert (event.backoff_seconds, event.tried_seconds) == (0.5, 0.5)
    assert scenario.breaker.state is SinkState.AVAILABLE


def test_a_failure_while_others_were_delivered_is_the_events_fault(scenario: Scenario) -> None:
    sending = scenario.sent(A)
    scenario.another_is_delivered()
    scenario.ended(sending, Fault.UNAVAILABLE)
    ((event, _),) = scenario.handler.pending.backing_off
    assert event.backoff_seconds == 0.5


def test_an_event_that_failed_alone_once_is_not_given_up_in_an_outage(scenario: Scenario) -> None:
    sending = scenario.sent(A)
    scenario.another_is_delivered()
    scenario.ended(sending, Fault.UNAVAILABLE)
    ((event, _),) = scenario.handler.pending.backing_off
    scenario.handler.clear_pending()
    tried = event.tried_seconds
    for _ in range(200):
        event = scenario.fails(event)
    assert event.tried_seconds == tried


def test_an_event_that_failed_alone_once_is_tried_as_often_as_the_sink_is_probed_in_an_outage(
    scenario: Scenario,
) -> None:
    event = scenario.fails(A)
    scenario.another_is_delivered()
    event = scenario.fails(event)
    for _ in range(20):
        scenario.backoff.take_due(10)
        event = scenario.fails(event)
        assert scenario.backoff.due_in <= 5.0
        scenario.clock.now += scenario.backoff.due_in
    assert scenario.breaker.state is SinkState.AVAILABLE, (
        "one bad event in a quiet hour stops no other"
    )


def test_in_a_known_outage_no_event_backs_off_by_itself(scenario: Scenario) -> None:
    event = scenario.fails(A)
    scenario.another_is_delivered()
    event = scenario.fails(event)
    scenario.ended(scenario.sent(B), Fault.UNAVAILABLE)
    scenario.handler.clear_pending()
    assert scenario.breaker.state is SinkState.UNAVAILABLE
    assert scenario.fails(event) == event
    assert scenario.handler.pending.backing_off == []


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.CONFLICT])
def test_an_event_is_a_dead_letter_once_it_was_tried_long_enough_while_others_were_delivered(
    scenario: Scenario, fault: Fault
) -> None:
    event, failures = A, 0
    while event.tried_seconds < GIVE_UP:
        scenario.another_is_delivered()
        event = scenario.fails(event, fault)
        failures += 1
        assert failures < 50
    # 0.5 + 1 + 2 + 4 + ... + 64 s.
    assert failures in {8, 9}
    scenario.ended(scenario.sent(event), fault)
    assert scenario.handler.pending.dead == {}, "nobody else got through"
    scenario.handler.clear_pending()
    scenario.another_is_delivered()
    scenario.ended(scenario.sent(event), fault)
    assert scenario.handler.pending.dead == {A.id: "reason"}


def test_a_misconfiguration_makes_no_event_a_dead_letter_however_long_it_was_tried(
    scenario: Scenario,
) -> None:
    old = QueuedEvent(1, "a", b"{}", tried_seconds=10 * GIVE_UP, backoff_seconds=300)
    for _ in range(5):
        scenario.another_is_delivered()
        scenario.ended(scenario.sent(old), Fault.MISCONFIGURED)
    assert scenario.handler.pending.dead == {}


def test_retry_after_makes_a_backoff_longer_and_not_shorter(scenario: Scenario) -> None:
    for asked, waited in ((7.0, 7.0), (0.0, 1.0), (10.0**9, 3600.0)):
        sending = scenario.sent(QueuedEvent(1, "a", b"{}", backoff_seconds=0.5))
        scenario.another_is_delivered()
        scenario.ended(sending, Fault.UNAVAILABLE, asked)
        assert scenario.backoff.due_in == waited
        scenario.backoff.make_all_due()
        scenario.backoff.take_due(1)


def test_the_first_success_after_an_outage_makes_every_event_due(scenario: Scenario) -> None:
    scenario.fails(A, Fault.CONFLICT)
    assert scenario.backoff.due_in > 0
    scenario.ended(scenario.sent(B), Fault.UNAVAILABLE)
    scenario.another_is_delivered()
    assert scenario.backoff.due_in == 0
