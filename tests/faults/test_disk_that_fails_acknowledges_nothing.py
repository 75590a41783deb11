"""The disk is full, or does not keep what it was given: 503, and nothing acknowledged is lost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.faults import change_load, clients, disks, evidence, history_checks
from tests.support.faults.change_load import ChangeLoad
from tests.support.processes import Service
from tests.support.waiting import wait_until
from user_service.store import database
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

ROUNDS = 1, 10
TRIES = 10
# What a full disk does, and not how filling it is avoided.
USERS_WITHOUT_RESERVE = {"USER_SERVICE_DISK_RESERVE": 0}
USER = {"name": "Ozzy", "password": "12345"}

Fault = Callable[[Service, Path], AbstractContextManager[Callable[[], None]]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if not disks.can_mount():
        pytest.skip("needs root, to mount a small disk")
    with disks.small(tmp_path / "disk") as folder:
        yield folder


@contextmanager
def full(_: Service, disk: Path) -> Iterator[Callable[[], None]]:
    """The disk is full. Calling what it gives takes what others have let go of since."""
    ballast = disks.Ballast(disk)
    try:
        ballast.take_all()
        yield ballast.take_all
    finally:
        ballast.let_go()


@contextmanager
def not_synced(service: Service, _: Path) -> Iterator[Callable[[], None]]:
    """What is written is not kept."""
    if not disks.can_inject():
        pytest.skip("needs strace, to make fdatasync fail")
    with disks.failing_to_sync(service):
        yield lambda: None


FAULTS = pytest.mark.parametrize("fault", [full, not_synced])


@FAULTS
@pytest.mark.timeout(900)
def test_a_change_is_503_and_one_that_was_acknowledged_has_its_event(
    tmp_path: Path, disk: Path, times: Callable[[int, int], int], fault: Fault
) -> None:
    url = f"sqlite:///{disk}/users.db"
    settings = {
        "USER_SERVICE_DATABASE_URL": url,
        "USER_SERVICE_DELIVERY": "outbox",
        **USERS_WITHOUT_RESERVE,
    }
    engine = database.connect(url, threads=1)
    with ExitStack() as running:
        audit = running.enter_context(processes.audit_service(tmp_path))
        users = running.enter_context(
            processes.user_service(tmp_path, audit.url, **settings, **clients.CHEAPEST_HASHING)
        )
        relay = running.enter_context(processes.relay(tmp_path, audit.url, **settings))
        with clients.at_work(users.url) as answers:
            for _ in range(times(*ROUNDS)):
                answers.wait_for(more=20)
                with fault(users, disk) as again:
                    _see_503(lambda: _create(users), again, strict=fault is not_synced)
                    assert requests.get(f"{users.url}/livez", timeout=5).status_code == 200
                answers.wait_for(more=20)
        users.kill()
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        assert relay.readiness()["status"] == "ready"
        log = evidence.in_the_log(audit.url)
    history_checks.check(answers, evidence.users_and_versions(engine), log)
    assert answers.statuses <= {0, 200, 201, 204, 503}
    engine.dispose()


def _is_renamed(location: str) -> bool:
    return requests.patch(location, json={"name": "O."}, timeout=20).status_code == 200


@FAULTS
def test_in_direct_delivery_nothing_is_sent_and_no_change_acknowledged(
    tmp_path: Path, disk: Path, fault: Fault
) -> None:
    url = f"sqlite:///{disk}/users.db"
    engine = database.connect(url, threads=1)
    settings = {"USER_SERVICE_DATABASE_URL": url, **USERS_WITHOUT_RESERVE}
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(
            tmp_path, audit.url, **settings, **clients.CHEAPEST_HASHING
        ) as users,
    ):
        made = requests.post(f"{users.url}/v1/user", json=USER, timeout=20)
        location = users.url + made.headers["Location"]
        with fault(users, disk):
            assert requests.post(f"{users.url}/v1/user", json=USER, timeout=20).status_code == 503
            assert requests.patch(location, json={"name": "O."}, timeout=20).status_code == 503
            assert requests.get(location, timeout=20).headers["ETag"] == made.headers["ETag"]
        # It looks at the disk once a second.
        wait_until(lambda: _is_renamed(location))
        log = evidence.in_the_log(audit.url)
    assert evidence.users_and_versions(engine) == {made.json()["id"]: 2}
    assert [event.version for event in log] == [1, 2]
    engine.dispose()


@pytest.mark.timeout(900)
def test_a_relay_that_cannot_note_what_it_delivered_loses_and_doubles_nothing(
    tmp_path: Path, disk: Path, times: Callable[[int, int], int]
) -> None:
    url = f"sqlite:///{disk}/users.db"
    engine = database.connect(url, threads=change_load.THREADS)
    with (
        processes.audit_service(tmp_path) as audit,
        processes.relay(tmp_path, audit.url, USER_SERVICE_DATABASE_URL=url) as relay,
    ):
        changes = ChangeLoad(engine)
        for number in range(1, 1 + times(*ROUNDS)):
            with not_synced(relay, disk):
                changes.of_one_user(5)
                wait_until(lambda: relay.output().count("the database is unavailable"))
                assert evidence.in_the_outbox(engine, State.WAITING) > 0
            wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0)
            assert evidence.number_in_the_log(audit.url) == 5 * number
        log = evidence.in_the_log(audit.url)
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    engine.dispose()


@FAULTS
@pytest.mark.timeout(900)
def test_an_event_is_503_and_one_that_was_acknowledged_is_in_the_log(
    tmp_path: Path, disk: Path, times: Callable[[int, int], int], fault: Fault
) -> None:
    acknowledged: list[str] = []
    url = f"sqlite:///{disk}/events.db"
    with (
        processes.audit_service(
            tmp_path, AUDIT_SERVICE_DATABASE_URL=url, AUDIT_SERVICE_DISK_RESERVE=0
        ) as audit,
        requests.Session() as session,
    ):

        def post() -> int:
            event_id = processes.fresh_id()
            status = processes.post_event(session, audit.url, event_id)
            if status == 204:
                acknowledged.append(event_id)
            return status

        for _ in range(times(*ROUNDS)):
            assert {post() for _ in range(20)} == {204}
            with fault(audit, disk) as again:
                _see_503(post, again, strict=fault is not_synced)
            wait_until(lambda: post() == 204)
        session.close()
        audit.kill()
        audit.start()
        ids = [record["event"]["id"] for record in processes.stored_events(audit.url)]
    assert len(set(ids)) == len(ids)
    assert set(acknowledged) <= set(ids)


def _see_503(ask: Callable[[], int], again: Callable[[], None], *, strict: bool) -> None:
    """`strict`: nothing else from then on; a full disk may have room again for a moment."""

    def refused() -> bool:
        again()
        return ask() == 503

    wait_until(refused)
    statuses = {ask() for _ in range(TRIES)}
    assert statuses == {503} if strict else statuses <= {201, 204, 503}


def _create(users: Service) -> int:
    return requests.post(f"{users.url}/v1/user", json=USER, timeout=20).status_code
