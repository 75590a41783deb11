"""Process that keeps the index: `run` starts it, watches it, and starts it again."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from audit_service.search.index.place import identity
from tests.support import processes
from tests.support.processes import Service
from tests.support.waiting import wait_until


def post(audit: Service, count: int) -> None:
    with requests.Session() as session:
        for _ in range(count):
            assert processes.post_event(session, audit.url, processes.fresh_id()) == 204


def index(audit: Service) -> dict[str, Any]:
    status: dict[str, Any] = requests.get(f"{audit.url}/v1/status", timeout=20).json()["index"]
    return status


def caught_up(audit: Service) -> bool:
    state = index(audit)
    return bool(state["usable"]) and state["lag"] == 0


def follower(audit: Service) -> int:
    """The process id of the one that follows the log."""
    for pid in audit.pids():
        if b"follow" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return 0


def test_the_index_catches_up_and_is_reported(tmp_path: Path) -> None:
    with processes.indexed_audit_service(tmp_path) as audit:
        post(audit, 5)
        wait_until(lambda: caught_up(audit))
        assert audit.readiness()["index"]["position"] == 5
        assert (
            "audit_service_index_lag_events 0.0"
            in requests.get(f"{audit.url}/metrics", timeout=20).text
        )


def test_one_that_is_killed_is_started_again_and_queries_are_right_meanwhile(
    tmp_path: Path,
) -> None:
    with processes.indexed_audit_service(tmp_path) as audit:
        wait_until(lambda: follower(audit))
        os.kill(follower(audit), signal.SIGKILL)
        post(audit, 3)
        found = requests.get(f"{audit.url}/v1/events?type=test.event&count=true", timeout=20).json()
        assert (len(found["items"]), found["count"]["matches"]) == (3, 3)
        wait_until(lambda: caught_up(audit))
        assert audit.terminate() == 0
        assert "it is started again" in audit.output()


def test_it_ends_with_its_service_however_that_ends(tmp_path: Path) -> None:
    with processes.indexed_audit_service(tmp_path) as audit:
        wait_until(lambda: follower(audit))
        pid = follower(audit)
        os.kill(audit.pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize("runs", [True, False])
def test_rebuild_makes_it_anew_while_a_service_runs_or_not(tmp_path: Path, *, runs: bool) -> None:
    with processes.indexed_audit_service(tmp_path) as audit:
        post(audit, 4)
        wait_until(lambda: caught_up(audit))
        if not runs:
            assert audit.terminate() == 0
        before = identity(str(tmp_path / "events.db-index"))
        output = command(tmp_path, "rebuild")
        assert ("makes it anew" in output) is runs
        if runs:
            wait_until(lambda: identity(str(tmp_path / "events.db-index")) not in {before, None})
            wait_until(lambda: caught_up(audit))
        assert '"lag": 0' in command(tmp_path, "status", "--json")


def command(folder: Path, *words: str) -> str:
    """What `audit-service index` prints."""
    environment = processes.environment(AUDIT_SERVICE_DATABASE_URL=f"sqlite:///{folder}/events.db")
    return subprocess.run(
        [str(processes.BIN / "audit-service"), "index", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
