"""Settler: what a crash or an unknown outcome left behind is completed, withdrawn or dropped."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.manual_clock import ManualClock
from tests.support.user_factory import change_store, created, deleted, make, updated, user
from tests.user.conftest import Query
from user_service.delivery.deadline import Delivery
from user_service.delivery.settler import Settled, Settler
from user_service.sinks.cloudevents import CloudEvent, describe, serialise
from user_service.sinks.sink import Attempt, Fault, NotDelivered, Outcome
from user_service.store.changes import ChangeStore
from user_service.store.intents import Claim
from user_service.store.unsettled_intents import UnsettledIntents
from user_service.users.domain import UserChange

PATIENCE = 20.0
KEY = "a key"
RENAMING, DELETION = updated(user(), name="Zoe"), deleted(user())
CREATION = created(user("11111111-1111-4111-8111-111111111111"))
REFUSED = NotDelivered(Outcome.NOT_DELIVERED, "refused", Fault.REFUSED)


class ScriptedSink:
    """A sink that fails as it is told, one failure for each event that comes, and then no more."""

    def __init__(self) -> None:
        self.failures: list[NotDelivered | None] = []
        self.received: list[dict[str, Any]] = []
        self.then: Callable[[], object] = lambda: None

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        attempt.start_sending(lambda: None)
        self.received.append(event.get_attributes())
        failure = self.failures.pop(0) if self.failures else None
        self.then()
        if failure is not None:
            raise failure

    def story(self) -> list[tuple[str, str, int]]:
        names = ("type", "subject", "subjectversion")
        return [tuple(one[name] for name in names) for one in self.received]


@pytest.fixture
def sink() -> ScriptedSink:
    return ScriptedSink()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    """A store with one user at version 1."""
    changes = change_store(engine)
    make(changes, created(user()))
    return changes


class Worker:
    """A process's settler, and what it says that it settled."""

    def __init__(self, engine: Engine, sink: ScriptedSink, clock: ManualClock) -> None:
        self.settled: list[Settled] = []
        self._settler = Settler(
            UnsettledIntents(engine),
            change_store(engine),
            Delivery(sink, threads=1),
            patience=PATIENCE,
            timeout=1e6,
            on_settled=self.settled.append,
            clock=clock,
        )

    def round(self) -> None:
        self._settler.settle(threading.Event())


@pytest.fixture
def worker(engine: Engine, sink: ScriptedSink, clock: ManualClock) -> Worker:
    return Worker(engine, sink, clock)


def leave(changes: ChangeStore, change: UserChange, key: str | None = None) -> Claim:
    """An intent whose event may have arrived or not, and that nobody holds."""
    claim = changes.begin(change, serialise(describe(change, "/source")), key)
    changes.release(claim)
    return claim


def of(change: UserChange) -> tuple[str, str, int]:
    return change.kind.value, change.user.id, change.user.version


WITHDRAWAL = ("user.deleteUser", CREATION.user.id, 2)


# How it is settled


@pytest.mark.parametrize(("change", "key"), [(RENAMING, None), (DELETION, None), (CREATION, KEY)])
def test_a_change_or_a_creation_with_a_key_is_completed(  # noqa: PLR0917 - fixtures
    changes: ChangeStore,
    sink: ScriptedSink,
    worker: Worker,
    query: Query,
    change: UserChange,
    key: str | None,
) -> None:
    leave(changes, change, key)
    worker.round()
    assert sink.story() == [of(change)]
    assert changes.get(change.user.id) == (None if change is DELETION else change.user)
    assert worker.settled == [Settled.COMPLETED]
    assert query("SELECT * FROM intents") == []
    worker.round()
    assert len(sink.received) == 1


def test_the_very_same_event_is_sent(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker
) -> None:
    event = describe(RENAMING, "/source")
    changes.release(changes.begin(RENAMING, serialise(event)))
    worker.round()
    assert sink.received == [event.get_attributes()]


def test_a_creation_without_a_key_is_withdrawn(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker, query: Query
) -> None:
    leave(changes, CREATION)
    worker.round()
    assert sink.story() == [of(CREATION), WITHDRAWAL]
    assert sink.received[1]["source"] == sink.received[0]["source"]
    assert changes.get(CREATION.user.id) is None
    assert worker.settled == [Settled.WITHDRAWN]
    assert query("SELECT * FROM intents") == []


@pytest.mark.parametrize(("change", "key"), [(RENAMING, None), (CREATION, KEY), (CREATION, None)])
def test_what_the_sink_refuses_is_dropped(  # noqa: PLR0917 - fixtures
    changes: ChangeStore,
    sink: ScriptedSink,
    worker: Worker,
    query: Query,
    change: UserChange,
    key: str | None,
) -> None:
    before = query("SELECT * FROM users")
    leave(changes, change, key)
    sink.failures = [REFUSED]
    with capture_logs() as logged:
        worker.round()
    assert sink.story() == [of(change)]
    assert query("SELECT * FROM users") == before
    assert worker.settled == [Settled.DROPPED]
    assert query("SELECT * FROM intents") == query("SELECT * FROM idempotency_keys") == []
    assert [line["reason"] for line in logged if line["log_level"] == "error"] == ["refused"]


# Whom it belongs to


def test_an_intent_that_is_held_is_left_alone_until_it_stood_still_for_long_enough(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker, clock: ManualClock
) -> None:
    clock.now += 1000
    changes.begin(RENAMING, serialise(describe(RENAMING, "/source")))
    worker.round()
    clock.now += PATIENCE - 1
    worker.round()
    assert sink.received == []
    clock.now += 1
    worker.round()
    assert worker.settled == [Settled.COMPLETED]


def test_intents_one_after_the_other_are_not_taken_for_one_that_stands_still(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker, clock: ManualClock
) -> None:
    for _ in range(5):
        claim = changes.begin(RENAMING, serialise(describe(RENAMING, "/source")))
        worker.round()
        clock.now += PATIENCE - 1
        changes.drop(claim)
    assert sink.received == []


def test_a_holder_that_was_taken_for_dead_makes_no_second_change(
    changes: ChangeStore, worker: Worker, clock: ManualClock
) -> None:
    claim = changes.begin(CREATION, serialise(describe(CREATION, "/source")))
    worker.round()
    clock.now += PATIENCE
    worker.round()
    assert worker.settled == [Settled.WITHDRAWN]
    assert not changes.release(claim)
    assert changes.get(CREATION.user.id) is None


def test_one_of_several_workers_settles_an_intent(
    engine: Engine, changes: ChangeStore, sink: ScriptedSink, worker: Worker, clock: ManualClock
) -> None:
    leave(changes, RENAMING)
    other = Worker(engine, sink, clock)
    sink.then = other.round
    worker.round()
    assert len(sink.received) == 1
    assert worker.settled + other.settled == [Settled.COMPLETED]


# A sink that fails


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.MISCONFIGURED])
def test_a_sink_that_fails_is_tried_once_a_round_and_each_intent_in_its_turn(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker, fault: Fault
) -> None:
    leave(changes, RENAMING)
    leave(changes, CREATION, KEY)
    sink.failures = [NotDelivered(Outcome.NOT_DELIVERED, "down", fault)] * 4
    for _ in range(4):
        worker.round()
    assert sorted(sink.story()) == sorted([of(RENAMING), of(CREATION)] * 2)
    worker.round()
    assert worker.settled == [Settled.COMPLETED] * 2


def test_an_event_that_the_sink_cannot_take_yet_holds_up_no_other(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker
) -> None:
    leave(changes, RENAMING)
    leave(changes, CREATION, KEY)
    sink.failures = [NotDelivered(Outcome.NOT_DELIVERED, "conflict", Fault.CONFLICT)]
    worker.round()
    assert worker.settled == [Settled.COMPLETED]
    worker.round()
    assert worker.settled == [Settled.COMPLETED] * 2


def test_a_withdrawal_is_always_the_same_event(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker
) -> None:
    leave(changes, CREATION)
    sink.failures = [None, NotDelivered(Outcome.UNKNOWN, "no answer")]
    worker.round()
    assert worker.settled == []
    worker.round()
    assert sink.story() == [of(CREATION), WITHDRAWAL] * 2
    assert sink.received[0] == sink.received[2]
    assert sink.received[1] == sink.received[3]


def test_a_user_who_is_not_as_the_intent_found_them_does_not_keep_it_for_ever(
    changes: ChangeStore, sink: ScriptedSink, worker: Worker, query: Query
) -> None:
    leave(changes, RENAMING)
    query("UPDATE users SET version = 7")
    with capture_logs() as logged:
        worker.round()
    assert [line["event"] for line in logged if line["log_level"] == "error"] == [
        "change not stored"
    ]
    assert query("SELECT * FROM intents") == []
    assert len(sink.received) == 1


def test_a_worker_that_is_to_stop_begins_nothing(
    engine: Engine, changes: ChangeStore, sink: ScriptedSink, clock: ManualClock
) -> None:
    leave(changes, RENAMING)
    stop = threading.Event()
    stop.set()
    settler = Settler(
        UnsettledIntents(engine),
        change_store(engine),
        Delivery(sink, threads=1),
        patience=PATIENCE,
        timeout=1,
        clock=clock,
    )
    settler.settle(stop)
    assert sink.received == []
