"""Requests that are spoilt at random do no harm to the services, nor to good ones beside them.

`MUTATION_SEED` repeats a run; without it each has a seed of its own, which is printed.
"""

import os
import re
import secrets
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.faults import clients, mutations
from tests.support.processes import Service

pytestmark = pytest.mark.faults

MUTANTS = 400, 10_000
GOOD = 60, 1000
SENDERS = 8
ANSWER_SECONDS = 30.0
RETRY_SECONDS = 0.2
PATIENCE_SECONDS = 60.0
UNIMPLEMENTED, UNAVAILABLE = 501, 503
FAULT = 500

Services = Mapping[str, Service]

_STATUS = re.compile(rb"(?:^|\n)HTTP/1\.[01] (\d{3}) ")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Both, with time for each event: the machine is busy."""
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(
            tmp_path, audit.url, USER_SERVICE_DELIVERY_TIMEOUT=15, **clients.CHEAPEST_HASHING
        ) as users,
    ):
        yield {"audit": audit, "users": users}


@pytest.mark.timeout(3600)
def test_mutated_requests_harm_neither_the_services_nor_good_requests(
    services: Services, times: Callable[[int, int], int]
) -> None:
    seed = os.environ.get("MUTATION_SEED") or secrets.token_hex(4)
    sys.stdout.write(f"MUTATION_SEED={seed}\n")
    before = {name: service.workers() for name, service in services.items()}
    with ThreadPoolExecutor(SENDERS) as pool:
        good = pool.map(partial(send_good, services), range(times(*GOOD)))
        seeds = [f"{seed} {number}" for number in range(times(*MUTANTS))]
        harm = zip(seeds, pool.map(partial(harm_of, services), seeds), strict=True)
        wrong = {each: found for each, found in harm if found}
        list(good)
    assert wrong == {}
    for name, service in services.items():
        assert service.workers() == before[name]
        assert "Traceback" not in service.output()
        assert requests.get(f"{service.url}/readyz", timeout=10).status_code == 200
    check_good_ones_once(services, times(*GOOD))


def harm_of(services: Services, seed: str) -> str:
    """What a mutant did that it must not, and its bytes; empty where it did nothing."""
    name, wire = mutations.mutant(seed)
    try:
        answer = answer_to(services[name], wire)
    except TimeoutError:
        return f"no answer: {wire[:2000]!r}"
    faults = [status for status in map(int, _STATUS.findall(answer)) if status >= FAULT]
    if set(faults) <= {UNIMPLEMENTED, UNAVAILABLE}:
        return ""
    return f"{faults}: {wire[:2000]!r}"


def answer_to(service: Service, wire: bytes) -> bytes:
    """All that comes after a request that ends there; TimeoutError where it does not end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", service.port), ANSWER_SECONDS) as connection:
        try:
            connection.sendall(wire)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
        except (ConnectionError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
    return answer


def send_good(services: Services, number: int) -> None:
    """A good request, sent again while there is no answer or 503, as a sender does."""
    make = (mutations.binary, mutations.structured, _batch, mutations.user)[number % 4]
    service = services["users" if make is mutations.user else "audit"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    status: list[bytes] = []
    while status not in ([b"201"], [b"204"]):
        assert time.monotonic() < deadline, status
        status = _STATUS.findall(answer_to(service, make(f"good-{number}").bytes()))
        assert status in ([b"201"], [b"204"], [b"503"], [b"409"], []), status
        if status in ([b"503"], [b"409"], []):
            time.sleep(RETRY_SECONDS)


def _batch(name: str) -> mutations.Request:
    return mutations.batch(name, f"{name}-second")


def check_good_ones_once(services: Services, count: int) -> None:
    """Each good event is in the log once, and each good user is there once, with one event."""
    records = processes.stored_events(services["audit"].url)
    events = Counter(record["event"]["id"] for record in records)
    subjects = Counter(record["event"].get("subject") for record in records)
    by_kind = {kind: [f"good-{n}" for n in range(count) if n % 4 == kind] for kind in range(4)}
    sent = [*by_kind[0], *by_kind[1], *by_kind[2], *(f"{name}-second" for name in by_kind[2])]
    assert {name: events[name] for name in sent} == dict.fromkeys(sent, 1)
    users = list(users_of(services["users"].url))
    names = Counter(user["name"] for user in users)
    assert {name: names[name] for name in by_kind[3]} == dict.fromkeys(by_kind[3], 1)
    assert {subjects[user["id"]] for user in users} == {1}


def users_of(url: str) -> Iterator[dict[str, str]]:
    """Every user."""
    parameters = {"limit": "1000"}
    while True:
        page = requests.get(f"{url}/v1/user", params=parameters, timeout=30).json()
        yield from page["items"]
        if page["next"] is None:
            return
        parameters["cursor"] = page["next"]
