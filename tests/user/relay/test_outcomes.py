"""Whose fault a failure is: the event's only while others get through. An outage kills nothing."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from tests.user.relay.test_circuit_breaker import Clock
from user_service.relay import backoff, circuit_breaker
from user_service.relay.circuit_breaker import Pace, Sink
from user_service.relay.outbox_queue import Waiting
from user_service.relay.outcomes import Decisions
from user_service.relay.sender_pool import Sending, Sent
from user_service.relay.status import Activity
from user_service.relay.user_queues import Lanes
from user_service.sinks.sink import Attempt, Fault, NotDelivered, Outcome

GIVE_UP = 100.0
A, B = Waiting(1, "a", b"{}"), Waiting(2, "b", b"{}")


class Desk:
    """Decisions about what is said to have been sent, on a clock that is moved by hand."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lanes = Lanes(per_user=100)
        self.pace = Pace(pause_seconds=60)
        self.decisions = Decisions(self.lanes, self.pace, Activity(), most=10, give_up=GIVE_UP)

    def sent(self, *events: Waiting, successes: int | None = None) -> Sending:
        """A sending of these, which are known and at the head of their lanes."""
        self.lanes.add(events)
        self.lanes.free({event.subject for event in events})
        self.lanes.take(len(events), one_event_per_user=False)
        at, number = self.clock.now, self.pace.successes if successes is None else successes
        return Sending(events, Attempt(at + 10), at, at + 10, number)

    def ended(
        self, sending: Sending, fault: Fault | None, retry_after: float | None = None
    ) -> None:
        """What became of it: one outcome for all."""
        results: Sequence[NotDelivered | None] = [None] * len(sending.events)
        if fault is not None:
            failure = NotDelivered(Outcome.UNKNOWN, "reason", fault, retry_after)
            failure.batch_failure = len(sending.events) > 1
            results = [failure] * len(sending.events)
        with capture_logs():
            self.decisions.decide(Sent(sending, results))

    def fails(self, event: Waiting, fault: Fault = Fault.UNAVAILABLE) -> Waiting:
        """The event fails once more; as it is then."""
        self.ended(self.sent(event), fault)
        backing_off = self.decisions.settlement.backing_off
        self.decisions.begin_anew()
        return backing_off[-1][0] if backing_off else event

    def another_gets_through(self) -> None:
        self.ended(self.sent(B), None)
        self.decisions.begin_anew()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    clock = Clock()
    for module in (circuit_breaker, backoff):
        monkeypatch.setattr(module, "time", clock)
    return Desk(clock)


def test_a_failure_while_nothing_gets_through_is_the_sinks(desk: Desk) -> None:
    for _ in range(50):
        assert desk.fails(A) == A
    assert desk.pace.sink is Sink.WAITING


def test_a_failure_between_two_of_which_others_get_through_is_the_events(desk: Desk) -> None:
    desk.fails(A)
    desk.another_gets_through()
    event = desk.fails(A)
    assert (event.backoff_seconds, event.tried_seconds) == (0.5, 0.5)
    assert desk.pace.sink is Sink.OPEN


def test_success_of_another_while_it_was_on_its_way_makes_it_the_events(desk: Desk) -> None:
    sending = desk.sent(A)
    desk.another_gets_through()
    desk.ended(sending, Fault.UNAVAILABLE)
    ((event, _),) = desk.decisions.settlement.backing_off
    assert event.backoff_seconds == 0.5


def test_an_event_that_failed_alone_once_does_not_die_in_an_outage(desk: Desk) -> None:
    sending = desk.sent(A)
    desk.another_gets_through()
    desk.ended(sending, Fault.UNAVAILABLE)
    ((event, _),) = desk.decisions.settlement.backing_off
    desk.decisions.begin_anew()
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
        desk.decisions.backoffs.take_due(10)
        event = desk.fails(event)
        assert desk.decisions.backoffs.due_in <= 5.0
        desk.clock.now += desk.decisions.backoffs.due_in
    assert desk.pace.sink is Sink.OPEN, "one bad event in a quiet hour stops nobody"


def test_in_an_outage_that_is_known_all_wait_together(desk: Desk) -> None:
    event = desk.fails(A)
    desk.another_gets_through()
    event = desk.fails(event)
    desk.ended(desk.sent(B), Fault.UNAVAILABLE)
    desk.decisions.begin_anew()
    assert desk.pace.sink is Sink.WAITING
    assert desk.fails(event) == event
    assert desk.decisions.settlement.backing_off == []


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
    assert desk.decisions.settlement.dead == {}, "nobody else got through"
    desk.decisions.begin_anew()
    desk.another_gets_through()
    desk.ended(desk.sent(event), fault)
    assert desk.decisions.settlement.dead == {A.id: "reason"}


def test_what_needs_setting_right_buries_nothing_however_long_it_was_tried(desk: Desk) -> None:
    old = Waiting(1, "a", b"{}", tried_seconds=10 * GIVE_UP, backoff_seconds=300)
    for _ in range(5):
        desk.another_gets_through()
        desk.ended(desk.sent(old), Fault.MISCONFIGURED)
    assert desk.decisions.settlement.dead == {}


def test_retry_after_makes_one_event_wait_longer_and_not_shorter(desk: Desk) -> None:
    for asked, waited in ((7.0, 7.0), (0.0, 1.0), (10.0**9, 3600.0)):
        sending = desk.sent(Waiting(1, "a", b"{}", backoff_seconds=0.5))
        desk.another_gets_through()
        desk.ended(sending, Fault.UNAVAILABLE, asked)
        assert desk.decisions.backoffs.due_in == waited
        desk.decisions.backoffs.hurry()
        desk.decisions.backoffs.take_due(1)


def test_success_after_a_wait_makes_everything_due(desk: Desk) -> None:
    desk.fails(A, Fault.CONFLICT)
    assert desk.decisions.backoffs.due_in > 0
    desk.ended(desk.sent(B), Fault.UNAVAILABLE)
    desk.another_gets_through()
    assert desk.decisions.backoffs.due_in == 0
