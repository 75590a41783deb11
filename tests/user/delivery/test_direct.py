"""Direct delivery: the order of event and change, and the state after a failure."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from service_kit.clock import now
from tests.support.user_factory import change_store
from user_service.delivery.deadline import Delivery
from user_service.delivery.direct import ChangeNotMade, ChangeNotStored, DirectDelivery
from user_service.sinks.cloudevents import CloudEvent
from user_service.sinks.sink import Attempt, NotDelivered, Outcome
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.claims import Claim
from user_service.store.transactions import StoreUnavailable
from user_service.users.domain import ChangeContext, ChangeKind, User, UserChange


class SinkThat:
    """A sink that notes an event's arrival, and then calls `then`."""

    def __init__(self, steps: list[str], then: Callable[[], None] = lambda: None) -> None:
        self._steps = steps
        self._then = then
        self.events: list[CloudEvent] = []

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        attempt.start_sending(lambda: None)
        self.events.append(event)
        self._then()
        self._steps.append("delivered")


class StoreThat(ChangeStore):
    """A store that notes a change, and then calls `then`."""

    def __init__(self, steps: list[str], then: Callable[[], None] = lambda: None) -> None:
        self._steps = steps
        self._then = then

    def begin(self, change: UserChange, event: bytes, key: str | None = None) -> Claim:
        return Claim.to_make(change, key)

    def release(self, claim: Claim) -> None:
        assert claim.creates

    def apply(self, change: UserChange, claim: Claim) -> None:
        assert claim.creates
        self._steps.append(f"stored {change.user.id}")
        self._then()


def _raise(error: Exception) -> Callable[[], None]:
    def then() -> None:
        raise error

    return then


def _change() -> UserChange:
    at = now()
    return UserChange(ChangeKind.CREATED, User("u1", "Ozzy", 1, at, at), at, "hash")


def _save(sink: SinkThat, store: ChangeStore, change: UserChange | None = None) -> None:
    direct = DirectDelivery(store, Delivery(sink, threads=1), "/source")
    direct.save(change or _change(), ChangeContext(time.monotonic() + 5))


def test_the_event_is_delivered_before_the_store_is_touched() -> None:
    steps: list[str] = []
    _save(SinkThat(steps), StoreThat(steps))
    assert steps == ["delivered", "stored u1"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_is_stored_when_the_event_is_not_delivered(outcome: Outcome) -> None:
    steps: list[str] = []
    sink = SinkThat(steps, _raise(NotDelivered(outcome, "because")))
    with capture_logs() as logged, pytest.raises(ChangeNotMade) as caught:
        _save(sink, StoreThat(steps))
    assert (caught.type, caught.value.outcome) == (ChangeNotMade, outcome)
    assert steps == []
    (line,) = logged
    assert line["log_level"] == "error"
    assert (line["event_id"], line["reason"]) == (sink.events[0].get_id(), "because")


def test_a_store_that_fails_after_the_delivery_leaves_the_outcome_unknown() -> None:
    steps: list[str] = []
    sink = SinkThat(steps)
    with capture_logs() as logged, pytest.raises(ChangeNotStored) as caught:
        _save(sink, StoreThat(steps, _raise(StoreUnavailable("OperationalError"))))
    assert caught.value.outcome is Outcome.UNKNOWN
    (line,) = logged
    assert (line["event_id"], line["outcome"]) == (sink.events[0].get_id(), "unknown")
    assert "was delivered" in line["reason"]


def test_the_event_describes_the_change_that_is_saved() -> None:
    sink, change = SinkThat([]), _change()
    _save(sink, StoreThat([]), change)
    (event,) = sink.events
    assert event.get_subject() == change.user.id
    assert event.get_time() == change.at
    assert event.get_source() == "/source"
    assert event.get_data() == {"id": change.user.id}


@pytest.fixture
def changes(engine: Engine) -> ChangeStore:
    return change_store(engine)


def test_another_connection_can_write_at_once_while_the_event_is_sent(
    changes: ChangeStore, engine: Engine, database_url: str
) -> None:
    impatient = database.connect(database_url, threads=1, lock_seconds=0)

    def write() -> None:
        with impatient.begin() as other:
            other.execute(text("INSERT INTO claims VALUES ('x', 'x', 1, 'x', 1)"))

    _save(SinkThat([], write), changes)
    impatient.dispose()
    with engine.connect() as other:
        assert other.execute(text("SELECT user_id FROM claims")).all() == [("x",)]
    assert changes.get("u1") is not None


def test_a_user_is_not_there_before_the_event_was_delivered(changes: ChangeStore) -> None:
    found: list[User | None] = []
    _save(SinkThat([], lambda: found.append(changes.get("u1"))), changes)
    assert found == [None]
    assert changes.get("u1") is not None


def test_a_change_that_cannot_be_stored_is_not_there_afterwards(changes: ChangeStore) -> None:
    _save(SinkThat([]), changes)
    # The same id again breaks the table's own rule, after the event was delivered.
    with capture_logs(), pytest.raises(ChangeNotStored):
        _save(SinkThat([]), changes, UserChange(ChangeKind.CREATED, _other(), now(), "hash"))
    found = changes.get("u1")
    assert found is not None
    assert found.name == "Ozzy"


def _other() -> User:
    return User("u1", "Not Ozzy", 1, now(), now())
