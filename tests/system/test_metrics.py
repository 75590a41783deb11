"""With several workers `/metrics` tells of all of them, and of those that were killed."""

import os
import re
import signal
import time
from pathlib import Path

import requests

from tests.support import processes
from tests.support.metrics_scrape import Scrape
from tests.support.processes import Service

WAIT_SECONDS = 20.0


def ask(service: Service, path: str = "/livez") -> requests.Response:
    """Ask over a new connection, so that any worker may answer."""
    return requests.get(f"{service.url}{path}", timeout=10)


def counted(service: Service, route: str) -> int:
    value = Scrape(ask(service, "/metrics").text).values("http_requests_total", "route")
    return round(value.get(route, 0))


def workers(service: Service) -> set[int]:
    return set(service.workers())


def folder_of_files(service: Service) -> Path:
    """Where the workers count: what is mapped into one of them tells."""
    maps = Path(f"/proc/{min(workers(service))}/maps").read_text()
    found = re.search(r"(/\S+/service-metrics-\w+)/counter_\d+\.db", maps)
    assert found is not None, maps
    return Path(found[1])


def kill_a_worker(service: Service) -> None:
    """Kill one of two workers, and return once another has taken its place."""
    before = workers(service)
    os.kill(min(before), signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while len(now := workers(service)) < 2 or min(before) in now:
        assert time.monotonic() < deadline, f"no worker took the place: {now}"
        time.sleep(0.02)


def test_requests_are_summed_over_workers_and_none_is_forgotten(tmp_path: Path) -> None:
    with processes.audit_service(tmp_path, AUDIT_SERVICE_WORKERS=2) as service:
        for _ in range(40):
            assert ask(service).ok
        # Whichever of the two is asked.
        assert {counted(service, "/livez") for _ in range(10)} == {40}
        for _ in range(2):
            kill_a_worker(service)
            assert counted(service, "/livez") == 40
        assert ask(service).ok
        assert {counted(service, "/livez") for _ in range(10)} == {41}


def test_what_workers_share_is_removed_when_the_service_ends(tmp_path: Path) -> None:
    with processes.audit_service(tmp_path, AUDIT_SERVICE_WORKERS=2) as service:
        folder = folder_of_files(service)
        assert folder.is_dir()
        assert service.terminate() == 0
    assert not folder.exists()
