"""Standard output is full, stuck or gone: nothing but log lines is lost, and that is told."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.faults import clients, disks, evidence, outputs
from tests.support.faults.outputs import Output
from tests.support.metrics_scrape import Scrape
from tests.support.processes import Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

ROUNDS = 30, 300
USER = {"name": "Ozzy", "password": "12345"}
STOP_SECONDS = 8.0
SETTINGS = {"USER_SERVICE_WORKERS": 1, **clients.CHEAPEST_HASHING}

New = Callable[[Path], AbstractContextManager[Output]]


@pytest.fixture(params=[outputs.full_disk, outputs.stuck_reader, outputs.no_reader])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Output]:
    new: New = request.param
    if new is outputs.full_disk and not disks.can_mount():
        pytest.skip("needs root, to mount a small disk")
    with new(tmp_path) as output:
        yield output


@pytest.fixture
def audit(tmp_path: Path, output: Output) -> Iterator[Service]:
    service = processes.audit_service(tmp_path, AUDIT_SERVICE_WORKERS=1)
    service.stdout = output.fd
    with service:
        yield service


@pytest.fixture
def users(tmp_path: Path, output: Output, audit: Service) -> Iterator[Service]:
    service = processes.user_service(tmp_path, audit.url, **SETTINGS)
    service.stdout = output.fd
    with service:
        yield service


def lost(service: Service) -> float:
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    return Scrape(text).value("log_lines_lost_total") or 0


def told(output: Output, service: str) -> int:
    """How many lines a service says that it lost."""
    lines = [line for line in output.text().splitlines() if "log lines were lost" in line]
    own = [line for line in map(json.loads, lines) if line["service"] == service]
    return sum(line["lines"] for line in own)


def lose_some(audit: Service) -> None:
    """Have the audit service log until it loses lines: a reader that is stuck is noticed late."""
    with requests.Session() as session:

        def has_lost() -> bool:
            events = [
                {
                    "specversion": "1.0",
                    "id": f"{n:04000}",
                    "source": "/long",
                    "type": processes.fresh_id(),
                }
                for n in range(500)
            ]
            headers = {"Content-Type": "application/cloudevents-batch+json"}
            body = json.dumps(events)
            assert (
                session.post(audit.url, data=body, headers=headers, timeout=10).status_code == 204
            )
            return lost(audit) > 0

        wait_until(has_lost, 60)


def test_every_route_answers_and_each_change_is_made_once_and_has_its_event(
    output: Output, audit: Service, users: Service, times: Callable[[int, int], int]
) -> None:
    output.spoil()
    made = set()
    with requests.Session() as session:

        def status(method: str, url: str, **options: object) -> int:
            return session.request(method, url, timeout=10, **options).status_code  # type: ignore[arg-type]

        for _ in range(times(*ROUNDS)):
            answer = session.post(f"{users.url}/v1/user", json=USER, timeout=10)
            assert answer.status_code == 201
            made.add(answer.json()["id"])
            user = users.url + answer.headers["Location"]
            assert status("PATCH", user, json={"name": "O."}) == 200
            assert status("GET", user) == 200
            assert status("GET", f"{users.url}/v1/user") == 200
            assert status("POST", audit.url, data="no event") == 400
            assert status("GET", f"{audit.url}/v1/events?limit=1") == 200
            for service in (users, audit):
                for path, expected in (("/livez", 200), ("/readyz", 200), ("/nowhere", 404)):
                    assert status("GET", service.url + path) == expected
    if output.is_noticed_at_once:
        assert lost(users) > 0
        assert lost(audit) > 0
    log = evidence.in_the_log(audit.url)
    assert sorted((event.subject, event.version) for event in log) == sorted(
        (user, version) for user in made for version in (1, 2)
    )


def test_lost_lines_are_counted_and_told_once_it_is_written_again(
    output: Output, audit: Service
) -> None:
    output.spoil()
    lose_some(audit)
    output.mend()

    def all_are_told() -> bool:
        # What a full disk has room for again is noticed by the next line.
        requests.get(f"{audit.url}/livez", timeout=10)
        return told(output, "audit-service") == lost(audit)

    # There are megabytes to look through.
    wait_until(all_are_told, 60, step=0.5)


def test_a_service_stops_as_soon_as_ever(output: Output, audit: Service, users: Service) -> None:
    output.spoil()
    requests.post(f"{users.url}/v1/user", json=USER, timeout=10)
    lose_some(audit)
    for service in (users, audit):
        began = time.monotonic()
        assert service.terminate() == 0
        assert time.monotonic() - began < STOP_SECONDS


def test_a_relay_goes_on_delivering(
    tmp_path: Path, output: Output, audit: Service, times: Callable[[int, int], int]
) -> None:
    outbox = {"USER_SERVICE_DELIVERY": "outbox", **clients.CHEAPEST_HASHING}
    relay = processes.relay(tmp_path, audit.url, **outbox)
    relay.stdout = output.fd
    output.spoil()
    with processes.user_service(tmp_path, audit.url, **outbox) as users, relay:
        count = times(*ROUNDS)
        for _ in range(count):
            assert requests.post(f"{users.url}/v1/user", json=USER, timeout=10).ok
            assert requests.get(f"{relay.url}/livez", timeout=10).ok
        wait_until(lambda: evidence.number_in_the_log(audit.url) == count)
        assert relay.readiness()["status"] == "ready"
