"""Disk that fills: what is new is 503 while a reserve is left, and all else goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from audit_service.rejected import RejectedStore, open_rejected
from tests.support import load, processes
from tests.support.consumer_process import ConsumerProcess
from tests.support.faults import clients, disks, evidence
from tests.support.faults.disks import Ballast
from tests.support.kafka import Broker
from tests.support.kafka_topics import Topic
from tests.support.processes import Service
from tests.support.waiting import wait_until
from user_service.store import database
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

MIB = 1024 * 1024
RESERVE = "6MiB"
USER = {"name": "Ozzy", "password": "12345"}
SCARCE, FULL = (
    "the disk is getting full",
    "the disk is full up to its reserve: nothing new is stored",
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if not disks.can_mount():
        pytest.skip("needs root, to mount a small disk")
    with disks.small(tmp_path / "disk") as folder:
        yield folder


@pytest.fixture
def ballast(disk: Path) -> Ballast:
    return Ballast(disk)


def audit_on(folder: Path, disk: Path) -> Service:
    settings = {
        "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{disk}/events.db",
        "AUDIT_SERVICE_DISK_RESERVE": RESERVE,
    }
    return processes.audit_service(folder, **settings)


def settings_on(disk: Path, delivery: str) -> dict[str, object]:
    return {
        "USER_SERVICE_DATABASE_URL": f"sqlite:///{disk}/users.db",
        "USER_SERVICE_DISK_RESERVE": RESERVE,
        "USER_SERVICE_DELIVERY": delivery,
        **clients.CHEAPEST_HASHING,
    }


def state(service: Service) -> str:
    """What readiness says of the disk; the service is ready in any case."""
    ready = service.readiness()
    assert ready["status"] == "ready"
    return str(ready["disk"]["state"])


def post(audit: Service, **headers: str) -> requests.Response:
    ce = {"ce-id": processes.fresh_id(), "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}
    return requests.post(audit.url, headers={**ce, **headers}, timeout=10)


def refuse(audit: Service) -> None:
    """Have it refuse a message that is no event."""
    assert post(audit, **{"ce-specversion": "9"}).status_code == 400


def is_for_later(answer: requests.Response) -> bool:
    """Whether it is the 503 of a full disk."""
    if answer.status_code != 503:
        return False
    assert int(answer.headers["Retry-After"]) > 0
    return "reserve" in answer.json()["detail"]


def numbers(rejected: RejectedStore) -> list[int]:
    return [each.id for each in rejected.page(0, 100)]


def test_an_event_is_503_below_the_reserve_while_reading_and_dropping_go_on(
    tmp_path: Path, disk: Path, ballast: Ballast
) -> None:
    rejected = open_rejected(f"sqlite:///{disk}/events.db")
    with audit_on(tmp_path, disk) as audit:
        assert state(audit) == "ok"
        assert post(audit).status_code == 204
        refuse(audit)
        wait_until(lambda: numbers(rejected))
        (kept,) = numbers(rejected)
        ballast.leave(5 * MIB)
        # Each of the two workers looks at the disk for itself.
        wait_until(lambda: all(state(audit) == "full" for _ in range(10)))
        wait_until(lambda: all(is_for_later(post(audit)) for _ in range(20)))
        assert len(processes.stored_events(audit.url)) == 1
        refuse(audit)
        wait_until(lambda: "rejected messages are not kept" in audit.output())
        assert numbers(rejected) == [kept]
        assert rejected.drop(kept)
        ballast.let_go()
        wait_until(lambda: all(post(audit).status_code == 204 for _ in range(20)))
        # Once by each worker, and by the process that signs.
        assert 1 <= audit.output().count(FULL) <= 3


@pytest.mark.parametrize("delivery", ["direct", "outbox"])
def test_a_change_is_503_below_the_reserve_and_no_event_of_it_is_sent(
    tmp_path: Path, disk: Path, ballast: Ballast, delivery: str
) -> None:
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(tmp_path, audit.url, **settings_on(disk, delivery)) as users,
    ):
        made = requests.post(f"{users.url}/v1/user", json=USER, timeout=10)
        location = users.url + made.headers["Location"]
        events = evidence.number_in_the_log(audit.url)
        ballast.leave(10 * MIB)
        wait_until(lambda: state(users) == "low" and SCARCE in users.output())
        assert requests.patch(location, json={"name": "O."}, timeout=10).status_code == 200
        ballast.leave(5 * MIB)
        wait_until(lambda: all(state(users) == "full" for _ in range(10)))
        key = {"Idempotency-Key": "one"}
        for _ in range(5):
            for answer in (
                requests.post(f"{users.url}/v1/user", json=USER, timeout=10),
                requests.post(f"{users.url}/v1/user", json=USER, headers=key, timeout=10),
                requests.patch(location, json={"name": "Ozzy"}, timeout=10),
                requests.delete(location, timeout=10),
            ):
                assert is_for_later(answer), answer.text
        assert requests.get(location, timeout=10).json()["name"] == "O."
        assert evidence.number_in_the_log(audit.url) == events + (delivery == "direct")
        ballast.let_go()
        wait_until(lambda: requests.delete(location, timeout=10).status_code in {204, 404})


def test_a_relay_delivers_and_settles_below_the_reserve(
    tmp_path: Path, disk: Path, ballast: Ballast
) -> None:
    settings = settings_on(disk, "outbox")
    engine = database.connect(f"sqlite:///{disk}/users.db", threads=1)
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(tmp_path, audit.url, **settings) as users,
    ):
        for _ in range(20):
            assert requests.post(f"{users.url}/v1/user", json=USER, timeout=10).ok
        ballast.leave(MIB)
        wait_until(lambda: state(users) == "full")
        with processes.relay(tmp_path, audit.url, **settings):
            wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0)
        assert evidence.number_in_the_log(audit.url) == 20
    engine.dispose()


def test_load_leaves_most_of_the_reserve(tmp_path: Path, disk: Path, ballast: Ballast) -> None:
    ballast.leave(8 * MIB)
    with audit_on(tmp_path, disk) as audit, load.of_events(audit.url, clients=8):
        wait_until(lambda: all(state(audit) == "full" for _ in range(10)), 60)
        wait_until(lambda: all(is_for_later(post(audit)) for _ in range(20)), 60)
        assert disks.free_bytes(disk) > 3 * MIB


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_consumer_waits_below_the_reserve_and_keeps_no_rejected_message(
    tmp_path: Path, disk: Path, ballast: Ballast, kafka_broker: Broker
) -> None:
    topic = Topic(kafka_broker, partitions=1)
    settings = {
        "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{disk}/events.db",
        "AUDIT_SERVICE_DISK_RESERVE": RESERVE,
    }
    with ConsumerProcess(tmp_path, topic.url, **settings) as consumer:
        topic.event("before")
        topic.flush()
        consumer.wait_for(1)
        ballast.leave(5 * MIB)
        consumer.wait_until(lambda: consumer.ready()[1]["disk"]["state"] == "full")
        topic.send((), b"no event")
        topic.event("after")
        topic.flush()
        consumer.wait_until(lambda: consumer.lines("the event log is unavailable"))
        assert consumer.ready()[0] == 200
        assert (consumer.ids(), consumer.rejected()) == (["before"], [])
        ballast.let_go()
        consumer.wait_until(lambda: consumer.ids() == ["before", "after"])
        consumer.wait_until(lambda: len(consumer.rejected()) == 1)
