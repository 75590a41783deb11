"""Slow clients of every kind: both services answer others as if there were none."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.support import processes, user_factory
from tests.support.ports import free_port
from tests.support.slow_clients import (
    HALF_HEAD,
    LAST_ONE,
    Attack,
    Probe,
    best_p99_beside,
    close_together,
    holding,
    holding_at_a_pace,
    probe,
)
from user_service.store import database, schema
from user_service.store.transactions import writing
from user_service.store.users import apply_change

pytestmark = pytest.mark.faults

MOST_SECONDS = 0.1
PROBES = 200
PACE = 20.0
LOCAL = b"Host: localhost\r\n"


@dataclass(frozen=True)
class Target:
    """A service that is attacked. `post`: the line of a request that has a body; `page`: the path
    of an answer that is long.
    """

    url: str
    post: bytes
    page: bytes
    probes: Mapping[str, Probe]

    @property
    def half_body(self) -> bytes:
        head = LOCAL + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        return self.post + b" HTTP/1.1\r\n" + head + b'{"half":'

    @property
    def pages(self) -> bytes:
        return 4 * (b"GET " + self.page + b" HTTP/1.1\r\n" + LOCAL + b"\r\n")


Kind = tuple[Callable[[Target], Attack], int, int]

# With how many connections of each: what stopped a service, or with FAULTS=full ten times that.
ATTACKS: dict[str, Kind] = {
    "half a head": (lambda _: holding(HALF_HEAD), 80, 400),
    "half a body": (lambda target: holding(target.half_body), 80, 400),
    "the last request, and the socket left open": (lambda _: holding(LAST_ONE), 100, 1000),
    "the same at a steady pace": (lambda _: holding_at_a_pace(LAST_ONE, PACE), 60, 600),
    "closed together": (lambda _: close_together, 140, 1400),
    "nothing": (lambda _: holding(), 200, 10_000),
    "large pages that nobody reads": (lambda target: holding(target.pages), 80, 220),
}


def _post_event(url: str) -> float:
    head = f"ce-id: {uuid.uuid4()}\r\nce-source: /s\r\nce-type: t\r\nce-specversion: 1.0\r\n"
    last = b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    return probe(url, b"POST / HTTP/1.1\r\n" + LOCAL + head.encode() + last, 204)


def _get_user(url: str, user_id: str) -> float:
    line = f"GET /v1/user/{user_id} HTTP/1.1\r\n".encode()
    return probe(url, line + LOCAL + b"Connection: close\r\n\r\n")


def _fill_log(url: str) -> None:
    """Events as long as they may be, of which a page takes no more."""
    for event_id in range(10):
        headers = {"ce-id": f"{event_id}", "ce-source": "/", "ce-type": "t"}
        headers |= {"ce-specversion": "1.0", "Content-Type": "text/plain"}
        answer = requests.post(url, data=b"x" * 1_000_000, headers=headers, timeout=20)
        assert answer.status_code == 204


def _fill_users(folder: Path) -> str:
    """A page of users with long names; the id of one."""
    engine = database.connect(f"sqlite:///{folder}/users.db", threads=1)
    schema.migrate(engine)
    ids = [str(uuid.uuid4()) for _ in range(1000)]
    with writing(engine) as connection:
        for user_id in ids:
            user = user_factory.user(user_id, "\U0001f987" * 200)
            apply_change(connection, user_factory.created(user))
    engine.dispose()
    return ids[0]


@pytest.fixture(scope="module", params=["audit", "users"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A service at its defaults."""
    folder = tmp_path_factory.mktemp("slow")
    if request.param == "audit":
        with processes.audit_service(folder) as audit:
            _fill_log(audit.url)
            probes = {"/livez": partial(probe, audit.url), "event": partial(_post_event, audit.url)}
            yield Target(audit.url, b"POST /", b"/v1/events?limit=1000", probes)
    else:
        user_id = _fill_users(folder)
        with processes.user_service(folder, f"http://127.0.0.1:{free_port()}/") as users:
            get = partial(_get_user, users.url, user_id)
            probes = {"/livez": partial(probe, users.url), "user": get}
            yield Target(users.url, b"POST /v1/user", b"/v1/user?limit=1000", probes)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("kind", ATTACKS)
def test_slow_clients_delay_no_request_of_others(
    target: Target, kind: str, times: Callable[[int, int], int]
) -> None:
    attack_with, few, many = ATTACKS[kind]
    attack = partial(attack_with(target), target.url, times(few, many))
    seconds = best_p99_beside(attack, target.probes, PROBES, MOST_SECONDS)
    assert {name: each for name, each in seconds.items() if each > MOST_SECONDS} == {}
