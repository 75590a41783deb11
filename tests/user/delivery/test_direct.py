"""Direct delivery: the order of event and change, and the state after a failure."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from service_kit.clock import now
from tests.support.user_factory import change_store
from user_service.delivery.deadline import Delivery
from user_service.delivery.direct import ChangeNotMade, DirectDelivery, Prospect
from user_service.sinks.cloudevents import CloudEvent
from user_service.sinks.sink import Attempt, NotDelivered, Outcome
from user_service.store import database
from user_service.store.changes import ChangeStore
from user_service.store.intents import Claim
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

    def __init__(
        self,
        steps: list[str],
        then: Callable[[], None] = lambda: None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """`end` is called where the intent is dropped or released."""
        self._steps = steps
        self._then = then
        self._end = end

    def begin(self, change: UserChange, event: bytes, key: str | None = None) -> Claim:
        self._steps.append("begun")
        return Claim.to_begin(change.user.id)

    def drop(self, claim: Claim) -> bool:
        self._end()
        self._steps.append("dropped")
        return True

    def release(self, claim: Claim) -> bool:
        self._end()
        self._steps.append("released")
        return True

    def apply(self, change: UserChange, claim: Claim) -> None:
        self._steps.append(f"stored {change.user.id}")
        self._then()


def _raise(error: Exception) -> Callable[[], None]:
    def then() -> None:
        raise error

    return then


def _change() -> UserChange:
    at = now()
    return UserChange(ChangeKind.CREATED, User("u1", "Ozzy", 1, at, at), at, "hash")


def _save(
    sink: SinkThat, store: ChangeStore, change: UserChange | None = None, key: str | None = None
) -> None:
    direct = DirectDelivery(store, Delivery(sink, threads=1), "/source")
    direct.save(change or _change(), ChangeContext(time.monotonic() + 5, idempotency_key=key))


def test_the_intent_is_stored_then_the_event_delivered_then_the_change_made() -> None:
    steps: list[str] = []
    _save(SinkThat(steps), StoreThat(steps))
    assert steps == ["begun", "delivered", "stored u1"]


UNKNOWN = [(None, Prospect.WITHDRAWN), ("key", Prospect.LATER)]


def test_what_is_not_delivered_is_dropped_and_never_made() -> None:
    steps: list[str] = []
    sink = SinkThat(steps, _raise(NotDelivered(Outcome.NOT_DELIVERED, "because")))
    with capture_logs(), pytest.raises(ChangeNotMade) as caught:
        _save(sink, StoreThat(steps))
    assert (caught.value.prospect, caught.value.outcome) == (Prospect.NEVER, Outcome.NOT_DELIVERED)
    assert steps == ["begun", "dropped"]


@pytest.mark.parametrize(("key", "prospect"), UNKNOWN)
def test_what_cannot_be_dropped_is_not_called_undelivered(
    key: str | None, prospect: Prospect
) -> None:
    """The settler finds it, and may complete it."""
    steps: list[str] = []
    sink = SinkThat(steps, _raise(NotDelivered(Outcome.NOT_DELIVERED, "because")))
    failing = StoreThat(steps, end=_raise(StoreUnavailable("OperationalError")))
    with capture_logs(), pytest.raises(ChangeNotMade) as caught:
        _save(sink, failing, key=key)
    assert (caught.value.prospect, caught.value.outcome) == (prospect, Outcome.UNKNOWN)


@pytest.mark.parametrize(("key", "prospect"), UNKNOWN)
def test_what_may_have_been_delivered_is_left_to_the_settler(
    key: str | None, prospect: Prospect
) -> None:
    steps: list[str] = []
    sink = SinkThat(steps, _raise(NotDelivered(Outcome.UNKNOWN, "because")))
    with capture_logs() as logged, pytest.raises(ChangeNotMade) as caught:
        _save(sink, StoreThat(steps), key=key)
    assert (caught.value.prospect, caught.value.outcome) == (prospect, Outcome.UNKNOWN)
    assert steps == ["begun", "released"]
    (line,) = logged
    assert line["log_level"] == "error"
    assert (line["event_id"], line["reason"]) == (sink.events[0].get_id(), "because")


def test_a_store_that_fails_after_the_delivery_leaves_the_outcome_unknown() -> None:
    steps: list[str] = []
    sink = SinkThat(steps)
    with capture_logs() as logged, pytest.raises(ChangeNotMade) as caught:
        _save(sink, StoreThat(steps, _raise(StoreUnavailable("OperationalError"))))
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.prospect is Prospect.WITHDRAWN
    (line,) = logged
    assert (line["event_id"], line["outcome"]) == (sink.events[0].get_id(), "unknown")
    assert "was delivered" in line["reason"]


def test_a_creation_whose_commit_was_not_confirmed_is_not_said_to_be_withdrawn() -> None:
    away = _raise(StoreUnavailable("OperationalError"))
    with capture_logs(), pytest.raises(ChangeNotMade) as caught:
        _save(SinkThat([]), StoreThat([], away, away))
    assert caught.value.prospect is Prospect.UNCONFIRMED


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
            other.execute(text("UPDATE running_time SET minutes = 77"))

    _save(SinkThat([], write), changes)
    impatient.dispose()
    with engine.connect() as other:
        assert other.execute(text("SELECT minutes FROM running_time")).all() == [(77,)]
    assert changes.get("u1") is not None


def test_a_user_is_not_there_before_the_event_was_delivered(changes: ChangeStore) -> None:
    found: list[User | None] = []
    _save(SinkThat([], lambda: found.append(changes.get("u1"))), changes)
    assert found == [None]
    assert changes.get("u1") is not None


def test_a_change_that_cannot_be_stored_is_not_there_afterwards(changes: ChangeStore) -> None:
    _save(SinkThat([]), changes)
    # The same id again breaks the table's own rule, after the event was delivered.
    with capture_logs(), pytest.raises(ChangeNotMade):
        _save(SinkThat([]), changes, UserChange(ChangeKind.CREATED, _other(), now(), "hash"))
    found = changes.get("u1")
    assert found is not None
    assert found.name == "Ozzy"


class StoreWithoutConfirmation(ChangeStore):
    """A store that does what it is asked for, and then says that the database is away."""

    def apply(self, change: UserChange, claim: Claim) -> None:
        super().apply(change, claim)
        raise StoreUnavailable("OperationalError")


def test_a_change_that_was_made_is_answered_so_though_the_commit_was_not_confirmed(
    engine: Engine,
) -> None:
    store = StoreWithoutConfirmation(engine, keys_kept=timedelta(hours=1), outbox_max=1)
    _save(SinkThat([]), store)
    assert store.get("u1") is not None


def _other() -> User:
    return User("u1", "Not Ozzy", 1, now(), now())
