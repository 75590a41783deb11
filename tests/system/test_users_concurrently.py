"""Many clients change the same few users at once: each change that is made has its one event."""

import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.conftest import REQUIRE_ALL
from tests.support import postgres, processes
from tests.support.user_factory import user_history

CLIENTS = 16
USERS = 4
SECONDS = float(os.environ.get("TEST_LOAD_SECONDS") or (20 if REQUIRE_ALL else 5))

# Another change of the same user was first (404, 409, 412), or too many wait already (503).
LOST = {404, 409, 412, 503}
LONGEST_SECONDS = 5.0

Databases = tuple[str, str]


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Where the users and where the events are to be."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/users.db", f"sqlite:///{tmp_path}/events.db"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    names = [f"{kind}_{processes.fresh_id()}" for kind in ("users", "events")]
    users, events = (server.new_database(name) for name in names)
    yield users, events
    for name in names:
        server.drop_database(name)


class Load:
    """Clients that make, change and delete the same few users, and count what they are told."""

    def __init__(self, url: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.changes = 0
        self.longest = 0.0
        self._url = f"{url}/v1/user"
        self._places: list[str | None] = [None] * USERS
        self._counting = threading.Lock()
        self._pause = threading.Event()

    def run(self, seconds: float) -> None:
        """Return once every client has come to its end."""
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(CLIENTS) as pool:
            for future in [pool.submit(self._client, n, until) for n in range(CLIENTS)]:
                future.result()

    def _client(self, number: int, until: float) -> None:
        chance = random.Random(number)
        with requests.Session() as session:
            while time.monotonic() < until:
                place = chance.randrange(USERS)
                user_id = self._places[place]
                if user_id is None:
                    self._places[place] = self._make(session)
                elif chance.random() < 0.1 and self._delete(session, user_id):
                    self._places[place] = None
                elif chance.random() < 0.2:
                    self._ask(session, "GET", f"/{user_id}")
                else:
                    self._change(session, user_id, chance)

    def _make(self, session: requests.Session) -> str | None:
        """A new user, asked for twice: as by a client that did not get the answer."""
        body = {"name": "Ozzy", "password": "12345"}
        headers = {"Idempotency-Key": processes.fresh_id()}
        first, again = (self._ask(session, "POST", json=body, headers=headers) for _ in range(2))
        made: list[str] = [answer.json()["id"] for answer in (first, again) if answer.ok]
        assert len(set(made)) <= 1
        self._count(bool(made))
        return made[0] if made else None

    def _change(self, session: requests.Session, user_id: str, chance: random.Random) -> None:
        headers = {}
        if chance.random() < 0.3:
            known = self._ask(session, "GET", f"/{user_id}")
            headers = {"If-Match": known.headers.get("ETag", '"1"')}
        # A name that nobody had, so that it is a change; now and then a password.
        body = {"name": processes.fresh_id()}
        if chance.random() < 0.2:
            body = {"password": "54321"}
        answer = self._ask(session, "PATCH", f"/{user_id}", json=body, headers=headers)
        self._count(answer.ok)

    def _delete(self, session: requests.Session, user_id: str) -> bool:
        answer = self._ask(session, "DELETE", f"/{user_id}")
        self._count(answer.ok)
        return answer.ok

    def _ask(
        self, session: requests.Session, method: str, path: str = "", **more: Any
    ) -> requests.Response:
        began = time.monotonic()
        answer = session.request(method, f"{self._url}{path}", timeout=60, **more)
        seconds = time.monotonic() - began
        with self._counting:
            self.statuses[answer.status_code] += 1
            self.longest = max(self.longest, seconds)
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self._pause.wait(0.05)
        return answer

    def _count(self, made: bool) -> None:  # noqa: FBT001
        with self._counting:
            self.changes += made


def histories(url: str) -> dict[str, list[tuple[int, str]]]:
    """Version and type of each event of each user, in the order of the log's positions."""
    found = defaultdict(list)
    for record in processes.stored_events(url):
        assert record["conflicts_with"] is None
        event = record["event"]
        found[event["subject"]].append((int(event["subjectversion"]), event["type"]))
    return found


def table(url: str, statement: str) -> list[tuple[Any, ...]]:
    """What is in the users' database."""
    engine = create_engine(make_url(url))
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return rows


@pytest.mark.faults
def test_every_version_of_every_user_has_one_event_in_order_whoever_changes_them_at_once(
    tmp_path: Path, databases: Databases
) -> None:
    users_url, events_url = databases
    with ExitStack() as running:
        audit = running.enter_context(
            processes.audit_service(tmp_path, AUDIT_SERVICE_DATABASE_URL=events_url)
        )
        users = running.enter_context(
            processes.user_service(
                tmp_path,
                audit.url,
                USER_SERVICE_DATABASE_URL=users_url,
                USER_SERVICE_WORKERS=2,
                USER_SERVICE_THREADS=8,
                USER_SERVICE_ARGON2_MEMORY_KIB=8,
                USER_SERVICE_ARGON2_ITERATIONS=1,
            )
        )
        load = Load(users.url)
        load.run(SECONDS)
        told = histories(audit.url)
        failures = [line for line in users.lines() if line["level"] == "error"]
    assert failures == []
    assert set(load.statuses) <= {200, 201, 204} | LOST, load.statuses
    assert load.longest < LONGEST_SECONDS
    assert {200, 201, 204, 409, 412} <= set(load.statuses), "nobody was in anybody's way"
    there = dict(table(users_url, "SELECT id, version FROM users"))
    assert set(there) <= set(told)
    for user_id, history in told.items():
        version = there.get(user_id, len(history))
        assert history == user_history(version, deleted=user_id not in there)
    assert sum(map(len, told.values())) == load.changes
    assert table(users_url, "SELECT * FROM intents") == []
