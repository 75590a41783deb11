"""User queues: each user's events are taken in their order, one by one, whatever is done."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from user_service.relay.queued_events import QueuedEvent
from user_service.relay.user_queues import UserQueues

USERS = ["a", "b", "c"]
PER_USER = 4


def waiting(number: int, user: str) -> QueuedEvent:
    return QueuedEvent(number, user, b"{}")


class TakingTurns(RuleBasedStateMachine):
    """The model: what waits outside, and what was taken and not yet decided about.

    `outside` is the outbox; whatever is added comes from it in the order of its ids, and the
    users who have enough are left out, as the relay does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queues = UserQueues(per_user=PER_USER)
        self.outbox: dict[int, str] = {}
        self.held_back: set[int] = set()
        self.taken: list[Sequence[QueuedEvent]] = []
        self.decided: set[str] = set()
        self.company: dict[int, int] = {}
        self.next_id = 10

    @rule(user=st.sampled_from(USERS), count=st.integers(1, 6))
    def put(self, user: str, count: int) -> None:
        for _ in range(count):
            self.outbox[self.next_id] = user
            self.next_id += 10

    @rule(user=st.sampled_from(USERS))
    def replay(self, user: str) -> None:
        """A dead letter of a lower id waits again."""
        number = max(1, min(self.outbox, default=10) - 1)
        self.outbox.setdefault(number, user)

    @rule(limit=st.integers(1, 12))
    def look(self, limit: int) -> None:
        full = set(self.queues.full())
        seen = [
            waiting(number, user)
            for number, user in sorted(self.outbox.items())
            if user not in full and not self._behind(user)
        ]
        self.queues.add(seen[:limit])

    @rule(most=st.integers(1, 6), one_event_per_user=st.booleans())
    def take(self, most: int, one_event_per_user: bool) -> None:  # noqa: FBT001 - drawn by name
        if not self.queues.has_ready:
            return
        taken = self.queues.next_batch(most, one_event_per_user=one_event_per_user)
        assert 1 <= len(taken) <= most
        users = [event.subject for event in taken]
        assert len(users) == len(set(users)) or not one_event_per_user
        for user in set(users):
            assert user not in self._busy()
            self._are_the_next([event.id for event in taken if event.subject == user], user)
        for event in taken:
            assert len(taken) <= self.company.get(event.id, len(taken))
        self.taken.append(taken)

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), what=st.sampled_from(["deliver", "retry", "split", "back off"]))
    def decide(self, data: st.DataObject, what: str) -> None:
        events = self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1)))
        self.decided |= {event.subject for event in events}
        if what == "deliver":
            self.queues.forget([event.id for event in events])
            for event in events:
                del self.outbox[event.id]
                self.company.pop(event.id, None)
        elif what == "back off" and len(events) == 1:
            self.queues.drop(events[0])
            self.held_back.add(events[0].id)
            self.company = {}
        else:
            if what == "split":
                self.queues.split(events)
                half = (len(events) + 1) // 2
                self.company |= {event.id: half for event in events}
            self.queues.put_back(events)

    @rule()
    def settle(self) -> None:
        self.queues.unblock(self.decided)
        self.decided = set()

    @precondition(lambda self: self.held_back)
    @rule()
    def come_due(self) -> None:
        due = [waiting(number, self.outbox[number]) for number in sorted(self.held_back)]
        self.held_back = set()
        self.queues.add(due)

    def teardown(self) -> None:
        """Whatever happened, all can be delivered, each user's events in their order."""
        for events in self.taken:
            self.queues.put_back(events)
            self.decided |= {event.subject for event in events}
        self.queues.unblock(USERS)
        self.held_back = set()
        rounds = 0
        while self.outbox:
            self.look(10**6)
            while self.queues.has_ready:
                taken = self.queues.next_batch(1, one_event_per_user=True)
                self.queues.forget([event.id for event in taken])
                for event in taken:
                    self._are_the_next([event.id], event.subject)
                    del self.outbox[event.id]
                self.queues.unblock([event.subject for event in taken])
            rounds += 1
            assert rounds < 1000, "something was never taken"
        assert len(self.queues) == 0

    def _are_the_next(self, ids: list[int], user: str) -> None:
        """None of the user's is left out; what was replayed may be unknown yet."""
        assert ids == sorted(ids)
        put = [number for number in ids if number % 10 == 0]
        left = sorted(n for n, of in self.outbox.items() if of == user and n % 10 == 0)
        assert put == left[: len(put)]

    def _busy(self) -> set[str]:
        return self.decided | {event.subject for events in self.taken for event in events}

    def _behind(self, user: str) -> bool:
        return any(self.outbox[number] == user for number in self.held_back)


TakingTurns.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestTakingTurns = TakingTurns.TestCase


def numbers(events: Sequence[QueuedEvent]) -> list[int]:
    return [event.id for event in events]


def test_users_take_turns() -> None:
    queues = UserQueues(per_user=100)
    queues.add([waiting(number, "abc"[number % 3]) for number in range(9)])
    order = []
    while queues.has_ready:
        taken = queues.next_batch(1, one_event_per_user=True)
        order += numbers(taken)
        queues.forget(numbers(taken))
        queues.unblock({event.subject for event in taken})
    assert order == list(range(9))


def test_a_user_with_events_in_a_batch_has_no_turn_before_it_is_unblocked() -> None:
    queues = UserQueues(per_user=100)
    queues.add([waiting(1, "a"), waiting(2, "a")])
    queues.next_batch(1, one_event_per_user=False)
    queues.add([waiting(3, "a")])
    assert not queues.has_ready
    queues.unblock(["a"])
    assert numbers(queues.next_batch(9, one_event_per_user=False)) == [2, 3]


def test_a_replayed_event_goes_before_later_ones() -> None:
    queues = UserQueues(per_user=2)
    queues.add([waiting(5, "a"), waiting(6, "a")])
    queues.add([waiting(3, "a")])
    assert numbers(queues.next_batch(9, one_event_per_user=False)) == [3, 5, 6]


def test_an_event_replayed_meanwhile_goes_before_those_sent_again() -> None:
    queues = UserQueues(per_user=100)
    queues.add([waiting(5, "a"), waiting(6, "a"), waiting(7, "a")])
    taken = queues.next_batch(2, one_event_per_user=False)
    queues.add([waiting(3, "a")])
    queues.put_back(taken)
    queues.unblock(["a"])
    assert numbers(queues.next_batch(9, one_event_per_user=False)) == [3, 5, 6, 7]


def test_a_user_with_more_events_than_fit_needs_a_refill_later() -> None:
    queues = UserQueues(per_user=4)
    queues.add([waiting(number, "a") for number in range(10)])
    assert (len(queues), queues.full(), queues.needs_refill) == (4, ["a"], False)
    taken = queues.next_batch(3, one_event_per_user=False)
    assert queues.needs_refill
    queues.forget(numbers(taken))
    queues.add([waiting(number, "a") for number in range(3, 10)])
    queues.unblock(["a"])
    assert numbers(queues.next_batch(9, one_event_per_user=False)) == [3, 4, 5, 6]


@pytest.mark.parametrize("users", [1, 8])
def test_a_refused_batch_is_halved_until_its_first_event_is_alone(users: int) -> None:
    queues = UserQueues(per_user=100)
    queues.add([waiting(number, f"user-{number % users}") for number in range(8)])
    sizes = []
    for _ in range(4):
        events = queues.next_batch(8, one_event_per_user=False)
        sizes.append(len(events))
        # The other half stays in flight, so that the first is looked at alone.
        while queues.has_ready:
            queues.next_batch(8, one_event_per_user=False)
        queues.split(events)
        queues.put_back(events)
        queues.unblock([event.subject for event in events])
    assert sizes == [8, 4, 2, 1]


def test_dropping_an_event_drops_the_users_later_events() -> None:
    queues = UserQueues(per_user=100)
    queues.add([waiting(1, "a"), waiting(2, "b"), waiting(3, "a")])
    (first,) = queues.next_batch(1, one_event_per_user=True)
    queues.drop(first)
    queues.unblock(["a"])
    assert numbers(queues.next_batch(9, one_event_per_user=False)) == [2]
    assert len(queues) == 1
