"""The wall clock jumps a day ahead and two back, the database's too: nothing goes by it."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine

from tests.faults.conftest import FULL
from tests.support import postgres, processes
from tests.support.faults import (
    change_load,
    clients,
    evidence,
    history_checks,
    recording_proxy,
    relays,
    wall_clock,
)
from tests.support.faults.change_load import ChangeLoad
from tests.support.faults.wall_clock import WallClock
from tests.support.sink_server import Behaviour, Peer, answering, holding, open_sink
from tests.support.waiting import wait_until
from user_service import PERIOD_SECONDS
from user_service.store import outbox_admin
from user_service.store.outbox import State
from user_service.store.outbox_admin import LeaseHolder, Selection
from user_service.store.transactions import reading

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

JUMPS = (24, -24)
TIMES = 1, 5
OZZY = {"name": "Ozzy", "password": "12345"}
KEY = {"Idempotency-Key": "a-key"}


@dataclass(frozen=True)
class Clocks:
    """Of some processes the first, of others the second; the database has one of its own."""

    first: WallClock
    second: WallClock
    database: WallClock

    def set(self, hours: int) -> None:
        """The first jumps so far from the right time, the others the other way."""
        self.first.set(hours)
        self.second.set(-hours)
        self.database.set(-hours)


@pytest.fixture(scope="module")
def walls() -> Iterator[Clocks]:
    library = wall_clock.library()
    if library is None:
        pytest.skip(wall_clock.HOW_TO_GET_IT)
    with tempfile.TemporaryDirectory(prefix="clocks-") as folder:
        # PostgreSQL, which does not run as root, has to find its clock.
        Path(folder).chmod(0o755)
        made = [WallClock(Path(folder) / name, library) for name in ("first", "second", "database")]
        yield Clocks(*made)


@pytest.fixture(autouse=True)
def _right_at_first(walls: Clocks) -> None:
    walls.set(0)


@pytest.fixture(scope="module")
def server(walls: Clocks) -> Iterator[postgres.Server]:
    """A PostgreSQL server that goes by a clock of ours."""
    if not postgres.is_there():
        pytest.skip(postgres.HOW_TO_GET_IT)
    with postgres.running(walls.database.environment) as server:
        yield server


@pytest.fixture(params=["postgres", "sqlite"] if FULL else ["postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/users.db"
    server: postgres.Server = request.getfixturevalue("server")
    return server.new_database(f"test_{processes.fresh_id()}")


def test_the_lease_and_the_order_do_not_go_by_it(
    tmp_path: Path,
    engine: Engine,
    database_url: str,
    walls: Clocks,
    times: Callable[[int, int], int],
) -> None:
    both = (walls.first.environment, walls.second.environment)
    with (
        processes.audit_service(tmp_path, **walls.second.environment) as audit,
        recording_proxy.noting(audit.url) as sink,
        relays.pair(tmp_path, engine, database_url, sink.url, both) as pair,
    ):
        before = _lease(engine)
        with change_load.going_on(engine) as changes:
            for hours in JUMPS * times(*TIMES) + (0,):
                walls.set(hours)
                sink.wait_for(len(sink.received) + 40)
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0)
        assert pair.active() is not None
        assert _lease(engine) == before
        log = evidence.in_the_log(audit.url)
    changes.check_number(len(log))
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    evidence.check_first_arrivals_in_order(evidence.on_the_wire(sink.received))


@pytest.mark.parametrize("status", [409, 503])
def test_what_backs_off_is_tried_again_as_soon_as_ever_and_does_not_die(
    tmp_path: Path, engine: Engine, database_url: str, walls: Clocks, status: int
) -> None:
    changes = ChangeLoad(engine)
    held, free = changes.create(), changes.create()
    settings = {"USER_SERVICE_DATABASE_URL": database_url, **walls.first.environment}
    with (
        open_sink(_taking_all_but(held.id, status)) as sink,
        processes.relay(tmp_path, sink.url, **settings),
    ):
        for attempts, hours in enumerate(JUMPS, start=2):
            free = changes.update(free)
            wait_until(partial(_tried_so_often, engine, attempts))
            walls.set(hours)
        wait_until(partial(_tried_so_often, engine, 4))
        assert evidence.in_the_outbox(engine, State.DEAD) == 0
        sink.behave = _taking_all_but("", status)
        sink.drop_connections()
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0)


@pytest.mark.parametrize("delivery", ["outbox", "direct"])
def test_changes_and_events_agree_all_the_same(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    engine: Engine,
    database_url: str,
    walls: Clocks,
    times: Callable[[int, int], int],
    delivery: str,
) -> None:
    settings = {
        "USER_SERVICE_DATABASE_URL": database_url,
        "USER_SERVICE_DELIVERY": delivery,
        **walls.first.environment,
    }
    with (
        processes.audit_service(tmp_path, **walls.second.environment) as audit,
        processes.user_service(
            tmp_path, audit.url, **settings, **clients.CHEAPEST_HASHING
        ) as users,
        processes.relay(tmp_path, audit.url, **settings),
    ):
        with clients.at_work(users.url) as answers:
            for hours in JUMPS * times(*TIMES) + (0,):
                walls.set(hours)
                answers.wait_for(more=50)
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0)
        wait_until(lambda: evidence.unsettled(engine) == 0, 60)
        log = evidence.in_the_log(audit.url)
    history_checks.check(answers, evidence.users_and_versions(engine), log)
    # PostgreSQL's timeouts go by its wall clock: what is under way when it jumps is ended.
    assert answers.statuses <= {200, 201, 204, 503}


@pytest.mark.parametrize("delivery", ["outbox", "direct"])
def test_an_idempotency_key_is_not_forgotten(
    tmp_path: Path, engine: Engine, database_url: str, walls: Clocks, delivery: str
) -> None:
    settings = {
        "USER_SERVICE_DATABASE_URL": database_url,
        "USER_SERVICE_DELIVERY": delivery,
        "USER_SERVICE_IDEMPOTENCY_HOURS": "1",
        **walls.first.environment,
    }
    with (
        open_sink(answering()) as sink,
        processes.user_service(tmp_path, sink.url, **settings, **clients.CHEAPEST_HASHING) as users,
    ):
        made = {_create_with_a_key(users.url)}
        for hours in JUMPS:
            walls.set(hours)
            made.add(_create_with_a_key(users.url))
            # Of each worker a round of its periodic tasks, after that jump.
            users.kill()
            users.start()
            made.add(_create_with_a_key(users.url))
        assert len(made) == 1
        assert set(evidence.users_and_versions(engine)) == made


@pytest.mark.parametrize("hours", JUMPS)
def test_a_change_that_waits_for_the_sink_is_not_taken_from_its_holder(
    tmp_path: Path, engine: Engine, database_url: str, walls: Clocks, hours: int
) -> None:
    settings = {
        "USER_SERVICE_DATABASE_URL": database_url,
        "USER_SERVICE_DELIVERY_TIMEOUT": "10",
        **walls.first.environment,
    }
    gate = threading.Event()
    with (
        open_sink(holding(gate, 1)) as sink,
        processes.user_service(tmp_path, sink.url, **settings, **clients.CHEAPEST_HASHING) as users,
        ThreadPoolExecutor(1) as pool,
    ):
        made = pool.submit(_create_with_a_key, users.url)
        sink.wait_for(1)
        walls.set(hours)
        repeat = requests.post(f"{users.url}/v1/user", json=OZZY, headers=KEY, timeout=20)
        gate.wait(2 * PERIOD_SECONDS)
        gate.set()
        assert repeat.status_code == 409
        assert set(evidence.users_and_versions(engine)) <= {made.result()}
        assert len(sink.received) == 1


def _create_with_a_key(url: str) -> str:
    answer = requests.post(f"{url}/v1/user", json=OZZY, headers=KEY, timeout=20)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _taking_all_but(subject: str, status: int) -> Behaviour:
    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        answer = f"{status} Told\r\nContent-Length: 0"
        told = answer if peer.request.headers["ce-subject"] == subject else "204 Told"
        peer.send(f"HTTP/1.1 {told}\r\n\r\n".encode())
        return True

    return behave


def _lease(engine: Engine) -> LeaseHolder:
    with reading(engine) as connection:
        return outbox_admin.lease(connection)


def _tried_so_often(engine: Engine, times: int) -> bool:
    """Whether the event that waits was."""
    with reading(engine) as connection:
        entries = outbox_admin.list_events(connection, Selection(states=[State.WAITING]), 1)
    return bool(entries) and entries[0]["attempts"] >= times
