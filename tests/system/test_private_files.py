"""Files of both services: for their owner alone, and a warning where they are not."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.faults import disks
from tests.support.ports import free_port
from tests.support.processes import Service
from tests.support.waiting import wait_until

SERVICES: Mapping[str, Callable[[Path], Service]] = {
    "audit-service": lambda folder: processes.audit_service(folder, "127.0.0.1"),
    "user-service": lambda folder: processes.user_service(
        folder, "http://127.0.0.1:9/", USER_SERVICE_DELIVERY="outbox"
    ),
}
BOTH = pytest.mark.parametrize("name", SERVICES)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """What is started in the block has this umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def running(name: str, folder: Path) -> Iterator[Service]:
    """The service, with its file in the folder and something stored in it."""
    with ExitStack() as stack:
        with umask(0):
            service = stack.enter_context(SERVICES[name](folder))
        assert _store(service) in {201, 204}
        yield service


def _store(service: Service) -> int:
    user = {"name": "Ozzy", "password": "12345"}
    made = requests.post(f"{service.url}/v1/user", json=user, timeout=10)
    if made.status_code != 404:
        return made.status_code
    with requests.Session() as session:
        return processes.post_event(session, service.url, processes.fresh_id())


def modes(folder: Path) -> dict[str, str]:
    return {file.name: oct(file.stat().st_mode & 0o777) for file in folder.glob("*.db*")}


@BOTH
def test_database_journal_and_wal_are_made_for_their_owner_whatever_the_umask(
    tmp_path: Path, name: str
) -> None:
    tmp_path.chmod(0o700)
    with running(name, tmp_path) as service:
        found = modes(tmp_path)
        assert len(found) > 1
        assert set(found.values()) == {"0o600"}, found
        assert "others than its owner" not in service.output()


@BOTH
def test_run_and_check_warn_of_a_file_that_others_can_read(tmp_path: Path, name: str) -> None:
    with running(name, tmp_path):
        pass
    (database,) = tmp_path.glob("*.db")
    database.chmod(0o644)
    with running(name, tmp_path) as service:
        lines = [line for line in service.lines() if line["message"].startswith("others than")]
        assert (str(database), "0644") in [(line["path"], line["mode"]) for line in lines]
    variable = name.upper().replace("-", "_")
    settings = {
        f"{variable}_DATABASE_URL": f"sqlite:///{database}",
        f"{variable}_BIND": f"127.0.0.1:{free_port()}",
        "USER_SERVICE_DELIVERY": "outbox",
    }
    checked = subprocess.run(
        [processes.BIN / name, "check"],
        env=processes.environment(**settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(database) in checked.stdout + checked.stderr


@BOTH
def test_a_service_whose_disk_became_read_only_is_not_ready_until_it_is_writable_again(
    tmp_path: Path, name: str
) -> None:
    if not disks.can_mount():
        pytest.skip("needs root, to mount a small disk")
    with disks.small(tmp_path / "disk") as folder, running(name, folder) as service:
        with disks.read_only(folder):
            assert service.readiness()["checks"] == {"database": "failing"}
        wait_until(lambda: service.readiness()["status"] == "ready")
        assert _store(service) in {201, 204}
