"""Direct delivery to a sink that fails: 500 within 3 s, nothing made, and the rest is answered."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import processes
from tests.support.faults import clients, failing_sinks, machines
from tests.support.faults.machines import FAULTS, There
from tests.support.faults.networks import Namespace
from tests.support.processes import Service
from tests.support.sink_server import Sink, answering, open_sink
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

ANSWERED_SECONDS = 3.0
OTHERS_SECONDS = 0.1
CHANGING, PAUSE_SECONDS, READING_PAUSE_SECONDS = 6, 0.1, 0.01


@pytest.fixture(scope="module")
def there(machine: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    with machines.audit_service(machine, tmp_path_factory.mktemp("there")) as there:
        yield there


@pytest.fixture(scope="module")
def users_of_there(there: There, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with _users(tmp_path_factory.mktemp("here"), there.audit.url) as service:
        yield service


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with open_sink(answering()) as opened:
        yield opened


@pytest.fixture(scope="module")
def users(sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with _users(tmp_path_factory.mktemp("sockets"), sink.url) as service:
        yield service


@pytest.mark.parametrize("fault", FAULTS)
def test_a_change_is_not_made_and_reading_is_as_fast_as_ever(
    there: There, users_of_there: Service, times: Callable[[int, int], int], fault: str
) -> None:
    url = f"{users_of_there.url}/v1/user"
    before = _make(url), _all(url)
    with FAULTS[fault](there):
        answers, waits = _load(url, before[0], seconds=times(3, 15))
    assert {answer.status_code for answer in answers} == {500}
    assert max(answer.elapsed.total_seconds() for answer in answers) <= ANSWERED_SECONDS
    assert sorted(waits)[math.ceil(len(waits) * 0.99) - 1] <= OTHERS_SECONDS
    assert _all(url) == before[1]
    wait_until(lambda: _change(url, before[0]).status_code == 200)
    assert _make(url) != before[0]


@pytest.mark.parametrize("fault", failing_sinks.ALL)
def test_whatever_the_sink_answers_nothing_is_stored(
    users: Service, sink: Sink, fault: str
) -> None:
    url = f"{users.url}/v1/user"
    before = _make(url), _all(url)
    with failing_sinks.at_once(sink, failing_sinks.ALL[fault]):
        with ThreadPoolExecutor(2) as pool:
            both = pool.submit(_create, url), pool.submit(_change, url, before[0])
        answers = [one.result() for one in both]
        assert _all(url) == before[1]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert max(answer.elapsed.total_seconds() for answer in answers) <= ANSWERED_SECONDS
    # Where it is not known whether the sink has the event, the change is completed first.
    wait_until(lambda: _change(url, before[0]).status_code == 200)
    wait_until(lambda: {user["id"] for user in _all(url)} == {user["id"] for user in before[1]})


def _users(folder: Path, sink: str) -> Service:
    return processes.user_service(folder, sink, **clients.CHEAPEST_HASHING)


def _load(url: str, user: str, seconds: float) -> tuple[list[requests.Response], list[float]]:
    """What those who change are answered, and how long those wait who read."""
    stop = threading.Event()
    answers: list[requests.Response] = []
    waits: list[float] = []

    def change() -> None:
        while True:
            answers.append(_create(url))
            if stop.wait(PAUSE_SECONDS):
                return

    def read() -> None:
        with requests.Session() as session:
            while not stop.wait(READING_PAUSE_SECONDS):
                began = time.monotonic()
                assert session.get(f"{url}/{user}", timeout=10).status_code == 200
                waits.append(time.monotonic() - began)

    with ThreadPoolExecutor(CHANGING + 1) as pool:
        working = [pool.submit(work) for work in [change] * CHANGING + [read]]
        threading.Event().wait(seconds)
        stop.set()
        for one in working:
            one.result()
    return answers, waits


def _make(url: str) -> str:
    made = _create(url)
    assert made.status_code == 201
    return str(made.json()["id"])


def _create(url: str) -> requests.Response:
    return requests.post(url, json={"name": "Ozzy", "password": "12345"}, timeout=10)


def _change(url: str, user: str) -> requests.Response:
    return requests.patch(f"{url}/{user}", json={"name": "Ozzy O."}, timeout=10)


def _all(url: str) -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = requests.get(f"{url}?limit=1000", timeout=10).json()["items"]
    return users
