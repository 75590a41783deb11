"""Companion: started with its server, started again, and gone with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service_kit.process.companion import Companion
from tests.support.waiting import wait_until

MODULE = "tests.support.companion_process"


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


@pytest.fixture
def running(pids: Path) -> Iterator[Companion]:
    started = Companion(MODULE, [str(pids)], restart_seconds=0.05)
    yield started
    started.stop()


def started(pids: Path) -> list[int]:
    return [int(line) for line in pids.read_text().split()] if pids.exists() else []


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_one_that_ended_is_started_again(running: Companion, pids: Path) -> None:
    running.keep_running()
    wait_until(lambda: len(started(pids)) == 1)
    running.keep_running()
    os.kill(started(pids)[0], signal.SIGKILL)

    def again() -> bool:
        running.keep_running()
        return len(started(pids)) == 2

    wait_until(again)


def test_it_stops_with_its_server(running: Companion, pids: Path) -> None:
    running.keep_running()
    wait_until(lambda: len(started(pids)) == 1)
    running.stop()
    assert not is_alive(started(pids)[0])


def test_it_ends_with_a_server_that_is_killed(pids: Path) -> None:
    code = (
        "import time; from service_kit.process.companion import Companion;"
        f"c = Companion({MODULE!r}, [{str(pids)!r}]); c.keep_running(); time.sleep(60)"
    )
    server = subprocess.Popen([sys.executable, "-c", code])
    try:
        wait_until(lambda: len(started(pids)) == 1)
    finally:
        server.kill()
        server.wait()
    wait_until(lambda: not is_alive(started(pids)[0]))


def test_a_command_that_cannot_be_started_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    absent = Companion(MODULE, [])
    absent.keep_running()
    absent.keep_running()
    absent.stop()
