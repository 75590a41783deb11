"""Outbox delivery to a sink that fails: the relay does what the table says, and loses nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support import processes
from tests.support.faults import evidence, failing_sinks, machines
from tests.support.faults.change_load import ChangeLoad
from tests.support.faults.machines import FAULTS, There
from tests.support.faults.networks import Namespace
from tests.support.processes import Relay
from tests.support.sink_server import Sink, answering, open_sink
from tests.support.waiting import wait_until
from user_service.store import database, outbox_admin
from user_service.store.outbox import State
from user_service.store.outbox_admin import Selection
from user_service.store.transactions import reading, writing

pytestmark = pytest.mark.faults

# Shorter than usual, and in the same proportions.
SOON = {"USER_SERVICE_RELAY_TIMEOUT": 0.7, "USER_SERVICE_RELAY_PAUSE_SECONDS": 1}
ALL = Selection()


@dataclass(frozen=True)
class Here:
    """A relay, and the outbox that it delivers."""

    relay: Relay
    engine: Engine

    def waiting(self) -> int:
        """How many events wait."""
        return evidence.in_the_outbox(self.engine, State.WAITING)

    def dead(self) -> int:
        """How many are dead letters."""
        return evidence.in_the_outbox(self.engine, State.DEAD)

    def tried(self, times: int) -> bool:
        """Whether every event that waits was sent so often."""
        with reading(self.engine) as connection:
            entries = outbox_admin.list_events(connection, Selection(states=[State.WAITING]), 100)
        return all(entry["attempts"] >= times for entry in entries)

    def has_ready(self, name: str) -> object:
        """What readiness tells under that name."""
        return self.relay.readiness()[name]


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with open_sink(answering()) as opened:
        yield opened


@pytest.fixture(scope="module")
def here(sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    yield from _relay(tmp_path_factory.mktemp("sockets"), sink.url)


@pytest.fixture(scope="module")
def there(machine: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    with machines.audit_service(machine, tmp_path_factory.mktemp("there")) as there:
        yield there


@pytest.fixture(scope="module")
def here_for_there(there: There, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    yield from _relay(tmp_path_factory.mktemp("here"), there.audit.url)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_network_keeps_from_the_sink_waits_and_comes_in_order(
    there: There, here_for_there: Here, times: Callable[[int, int], int], fault: str
) -> None:
    here, changes = here_for_there, ChangeLoad(here_for_there.engine)
    before = evidence.number_in_the_log(there.audit.url)
    for _ in range(times(1, 5)):
        with FAULTS[fault](there):
            for _ in range(3):
                changes.of_one_user(5)
            wait_until(lambda: here.has_ready("sink") == "waiting")
        assert here.dead() == 0
        wait_until(lambda: here.waiting() == 0)
    log = evidence.in_the_log(there.audit.url)
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    assert len(log) - before == changes.number


@pytest.mark.parametrize("fault", failing_sinks.UNAVAILABLE)
def test_a_sink_that_is_unavailable_is_waited_for(here: Here, sink: Sink, fault: str) -> None:
    with failing_sinks.at_once(sink, failing_sinks.UNAVAILABLE[fault]):
        ChangeLoad(here.engine).of_one_user(3)
        wait_until(lambda: here.has_ready("sink") == "waiting")
        assert here.relay.readiness()["status"] == "ready"
        assert (here.waiting(), here.dead()) == (3, 0)
    _all_comes(here, sink)


@pytest.mark.parametrize("fault", failing_sinks.CONFLICT)
def test_an_event_in_conflict_is_tried_later(here: Here, sink: Sink, fault: str) -> None:
    with failing_sinks.at_once(sink, failing_sinks.CONFLICT[fault]):
        ChangeLoad(here.engine).create()
        wait_until(lambda: here.tried(2))
        assert (here.has_ready("sink"), here.waiting(), here.dead()) == ("open", 1, 0)
    _all_comes(here, sink)


@pytest.mark.parametrize("fault", failing_sinks.REFUSED)
def test_an_event_that_is_refused_is_a_dead_letter_until_replayed(
    here: Here, sink: Sink, fault: str
) -> None:
    with failing_sinks.at_once(sink, failing_sinks.REFUSED[fault]):
        ChangeLoad(here.engine).of_one_user(3)
        wait_until(lambda: here.dead() == 3)
        assert here.has_ready("sink") == "open"
    with writing(here.engine) as connection:
        assert outbox_admin.replay(connection, ALL) == 3
    _all_comes(here, sink)


@pytest.mark.parametrize("fault", failing_sinks.MISCONFIGURED)
def test_a_sink_that_is_none_makes_the_relay_unready_and_loses_nothing(
    here: Here, sink: Sink, fault: str
) -> None:
    with failing_sinks.at_once(sink, failing_sinks.MISCONFIGURED[fault]):
        ChangeLoad(here.engine).of_one_user(3)
        unready = {"database": "ok", "sink": "failing", "dead_letters": "ok"}
        wait_until(lambda: here.has_ready("checks") == unready)
        assert here.relay.readiness()["status"] == "unready"
        assert (here.waiting(), here.dead()) == (3, 0)
    _all_comes(here, sink)


def _relay(folder: Path, url: str) -> Iterator[Here]:
    engine = database.connect(f"sqlite:///{folder}/users.db", threads=2)
    with processes.relay(folder, url, **SOON) as relay:
        yield Here(relay, engine)
    engine.dispose()


def _all_comes(here: Here, sink: Sink) -> None:
    wait_until(lambda: (here.waiting(), here.dead()) == (0, 0))
    wait_until(lambda: here.has_ready("sink") == "open")
    evidence.check_first_arrivals_in_order(evidence.on_the_wire(sink.received))
