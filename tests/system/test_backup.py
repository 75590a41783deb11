"""docs/operations.md is true of backups: made under load, they lose nothing acknowledged."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support import load, postgres, postgres_dump, processes
from tests.support.processes import Service

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
# So many that the services commit while they are being copied.
STORED_BEFORE = 10_000


@dataclass(frozen=True)
class Place:
    """A pair's databases. `root`: where `data` and `backup` are."""

    heading: str
    root: Path
    users: str
    events: str

    @property
    def settings(self) -> Mapping[str, str]:
        return {"USER_SERVICE_DATABASE_URL": self.users, "AUDIT_SERVICE_DATABASE_URL": self.events}

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run commands as an operator would."""
        path = os.pathsep.join([str(processes.BIN), postgres_dump.path()])
        return subprocess.run(
            ["sh", "-euc", commands],
            cwd=self.root,
            env={**os.environ, **self.settings, "PATH": path},
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    """Where a pair is, and where it is to be restored."""
    roots = tmp_path / "here", tmp_path / "elsewhere"
    for root in roots:
        (root / "data").mkdir(parents=True)
    (roots[0] / "backup").mkdir()
    if request.param == "SQLite":
        here, elsewhere = map(_sqlite, roots)
        yield here, elsewhere
        return
    if not postgres_dump.is_there():
        pytest.skip(postgres_dump.HOW_TO_GET_IT)
    server: postgres.Server = request.getfixturevalue("postgres_server")
    names = [f"backup_{processes.fresh_id()}" for _ in range(4)]
    urls = [server.new_database(name) for name in names]
    yield (
        Place("PostgreSQL", roots[0], urls[0], urls[1]),
        Place("PostgreSQL", roots[1], urls[2], urls[3]),
    )
    for name in names:
        server.drop_database(name)


def _sqlite(root: Path) -> Place:
    users, events = (f"sqlite:///{root}/data/{name}.db" for name in ("users", "events"))
    return Place("SQLite", root, users, events)


def documented(heading: str) -> tuple[str, str]:
    """The commands that make a backup, and those that restore it."""
    _, _, backup = OPERATIONS.partition("\n## Backup\n")
    _, _, after = backup.partition(f"\n### {heading}\n")
    section = re.split(r"^##", after, maxsplit=1, flags=re.MULTILINE)[0]
    make, restore = re.findall(r"```sh\n(.+?)```", section, re.DOTALL)
    return make, restore


@contextmanager
def running(place: Place) -> Iterator[tuple[Service, Service]]:
    """Both services, the one for users first."""
    cheap = {"USER_SERVICE_ARGON2_MEMORY_KIB": 8, "USER_SERVICE_ARGON2_ITERATIONS": 1}
    with (
        processes.audit_service(place.root, **place.settings) as audit,
        processes.user_service(place.root, audit.url, **cheap, **place.settings) as users,
    ):
        yield users, audit


def store_many(audit: Service) -> list[str]:
    """Store so many events that a copy takes a while; their ids."""
    ids = [processes.fresh_id() for _ in range(STORED_BEFORE)]
    same = {"source": "/before", "type": "test.event", "specversion": "1.0", "data": "x" * 500}
    body = json.dumps([{"id": event_id, **same} for event_id in ids])
    assert requests.post(audit.url, data=body, headers=BATCH, timeout=60).status_code == 204
    return ids


def back_up_under_load(place: Place, commands: str) -> tuple[list[str], list[str]]:
    """Back up while users and events come; those that were acknowledged before it began."""
    with running(place) as (users, audit):
        before = store_many(audit)
        with (
            load.of_events(audit.url, clients=4) as sent,
            load.of_users(users.url, clients=2) as made,
        ):
            sent.wait_for(50)
            made.wait_for(20)
            acknowledged = [*made.acknowledged], [*before, *sent.acknowledged]
            done = place.run(commands)
            assert done.returncode == 0, done.stderr
            copies = [*(place.root / "backup").iterdir()]
            assert {oct(copy.stat().st_mode & 0o777) for copy in copies} == {"0o600"}
            assert len(made.acknowledged) > len(acknowledged[0])
            assert len(before) + len(sent.acknowledged) > len(acknowledged[1])
    return acknowledged


def test_a_backup_under_load_has_everything_that_was_acknowledged_before(
    places: tuple[Place, Place],
) -> None:
    here, elsewhere = places
    make, restore = documented(here.heading)
    users_before, events_before = back_up_under_load(here, make)
    (here.root / "backup").rename(elsewhere.root / "backup")
    restored = elsewhere.run(restore)
    assert restored.returncode == 0, restored.stderr
    with running(elsewhere) as (users, audit):
        records = processes.stored_events(audit.url)
        assert [record["position"] for record in records] == [*range(1, len(records) + 1)]
        assert {record["event"]["id"] for record in records} >= set(events_before)
        found = listed(users)
        assert set(found) >= set(users_before)
        # Users are backed up first, and so each has its event.
        subjects = {record["event"].get("subject") for record in records}
        assert set(found) <= subjects
        goes_on(users, audit, len(records))


def listed(users: Service) -> list[str]:
    """The ids of all users."""
    ids: list[str] = []
    query: dict[str, str] = {"limit": "100"}
    while True:
        page = requests.get(f"{users.url}/v1/user", params=query, timeout=30).json()
        ids += [user["id"] for user in page["items"]]
        if page["next"] is None:
            return ids
        query["cursor"] = page["next"]


def goes_on(users: Service, audit: Service, last: int) -> None:
    """A new user is made, and their event is at the position after `last`."""
    with load.of_users(users.url, clients=1) as made:
        made.wait_for(1)
    newest = requests.get(f"{audit.url}/v1/events/{last + 1}", timeout=10).json()
    assert newest["event"]["subject"] == made.acknowledged[0]


def test_a_mistyped_name_is_an_error_and_no_empty_copy(tmp_path: Path) -> None:
    for folder in ("data", "backup"):
        (tmp_path / folder).mkdir()
    umask, *copies = documented("SQLite")[0].splitlines()
    for command in copies:
        assert umask == "umask 077"
        assert _sqlite(tmp_path).run(command).returncode != 0
    assert [*tmp_path.glob("*/*")] == []
