"""Deadline of a delivery, and the outcome when it passes."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from service_kit.clock import now
from user_service.delivery.deadline import Delivery
from user_service.sinks.cloudevents import CloudEvent, describe
from user_service.sinks.sink import Attempt, Cancelled, NotDelivered, Outcome
from user_service.users.domain import ChangeKind, User, UserChange


def _event() -> CloudEvent:
    user = User("u1", "Ozzy", 1, now(), now())
    return describe(UserChange(ChangeKind.CREATED, user, user.created_at), "/source")


def _soon() -> float:
    return time.monotonic() + 0.1


# Attempt


def test_an_attempt_cancelled_before_it_is_sent_is_never_sent() -> None:
    cuts: list[str] = []
    attempt = Attempt(_soon())
    attempt.cancel()
    with pytest.raises(Cancelled):
        attempt.start_sending(lambda: cuts.append("cut"))
    assert not attempt.may_have_been_sent
    assert attempt.failed("why").outcome is Outcome.NOT_DELIVERED
    assert cuts == []


def test_an_attempt_sends_nothing_after_its_deadline() -> None:
    attempt = Attempt(time.monotonic())
    with pytest.raises(Cancelled):
        attempt.start_sending(lambda: None)
    assert attempt.failed("why").outcome is Outcome.NOT_DELIVERED


def test_an_attempt_cancelled_while_it_is_sent_is_cut_off_and_unknown() -> None:
    cuts: list[str] = []
    attempt = Attempt(_soon())
    attempt.start_sending(lambda: cuts.append("cut"))
    assert cuts == []
    attempt.cancel()
    assert cuts == ["cut"]
    assert attempt.failed("why").outcome is Outcome.UNKNOWN


def test_an_attempt_cuts_the_connection_that_was_used_last() -> None:
    cuts: list[str] = []
    attempt = Attempt(_soon())
    attempt.start_sending(lambda: cuts.append("first"))
    attempt.start_sending(lambda: cuts.append("second"))
    attempt.cancel()
    assert cuts == ["second"]


def test_a_closed_connection_can_be_cut() -> None:
    def cut() -> None:
        raise OSError("not connected")

    attempt = Attempt(_soon())
    attempt.start_sending(cut)
    attempt.cancel()


def test_an_attempt_always_has_a_moment_left() -> None:
    assert Attempt(time.monotonic() - 100).remaining > 0
    assert 90 < Attempt(time.monotonic() + 100).remaining <= 100


# Delivery


class Stuck:
    """A sink that is stuck before its event leaves, or after, until it is let go."""

    def __init__(self, *, leaves_first: bool) -> None:
        self._leaves_first = leaves_first
        self._go = threading.Event()
        self.taken = threading.Event()
        self.sent: list[str] = []
        self.cancelled: list[str] = []

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        if self._leaves_first:
            attempt.start_sending(self.let_go)
        self.taken.set()
        assert self._go.wait(10)
        try:
            attempt.start_sending(lambda: None)
        except Cancelled:
            self.cancelled.append(event.get_id())
            raise
        self.sent.append(event.get_id())

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    sink = Stuck(leaves_first=False)
    yield sink
    sink.let_go()


def _undelivered(delivery: Delivery, event: CloudEvent) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        delivery.deliver(event, _soon())
    return caught.value


def test_an_event_that_is_not_being_sent_by_the_deadline_is_never_sent(stuck: Stuck) -> None:
    delivery = Delivery(stuck, threads=1)
    late, following = _event(), _event()
    assert _undelivered(delivery, late).outcome is Outcome.NOT_DELIVERED
    stuck.let_go()
    delivery.deliver(following, time.monotonic() + 5)
    assert stuck.cancelled == [late.get_id()]
    assert stuck.sent == [following.get_id()]


def test_an_event_that_is_being_sent_at_the_deadline_is_cut_off_and_unknown() -> None:
    sink = Stuck(leaves_first=True)
    # The sink is let go by nothing but the cut.
    error = _undelivered(Delivery(sink, threads=1), _event())
    assert error.outcome is Outcome.UNKNOWN
    assert "in time" in error.reason


def test_an_event_for_which_no_thread_is_free_is_not_delivered(stuck: Stuck) -> None:
    delivery = Delivery(stuck, threads=1)
    blocking, waiting, following = _event(), _event(), _event()
    holder = threading.Thread(target=lambda: _undelivered(delivery, blocking))
    holder.start()
    assert stuck.taken.wait(5)
    error = _undelivered(delivery, waiting)
    assert error.outcome is Outcome.NOT_DELIVERED
    assert "no thread" in error.reason
    holder.join()
    stuck.let_go()
    delivery.deliver(following, time.monotonic() + 5)
    assert stuck.sent == [following.get_id()]


def test_a_deadline_that_has_passed_already_is_answered_at_once(stuck: Stuck) -> None:
    began = time.monotonic()
    with pytest.raises(NotDelivered) as caught:
        Delivery(stuck, threads=1).deliver(_event(), began - 1)
    assert caught.value.outcome is Outcome.NOT_DELIVERED
    assert time.monotonic() - began < 1


class Saying:
    """A sink that fails as it is given."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        del event, attempt
        error = self._errors.pop(0)
        if error is not None:
            raise error


def test_a_failure_of_the_sink_is_raised_as_it_is() -> None:
    error = NotDelivered(Outcome.NOT_DELIVERED, "the sink answered 422")
    assert _undelivered(Delivery(Saying(error), threads=1), _event()) is error


def test_a_delivery_reports_its_last_outcome() -> None:
    delivery = Delivery(Saying(NotDelivered(Outcome.UNKNOWN, "why"), None), threads=1)

    def reported() -> Any:
        last = delivery.report()["last_delivery"]
        return last and last["outcome"]

    assert reported() is None
    _undelivered(delivery, _event())
    assert reported() == "unknown"
    delivery.deliver(_event(), _soon())
    assert reported() == "delivered"
