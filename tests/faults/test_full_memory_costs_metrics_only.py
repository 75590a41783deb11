"""/dev/shm is full: the services serve, without the metrics that have no room."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.faults import disks
from tests.support.faults.disks import Ballast
from tests.support.metrics_scrape import Scrape
from tests.support.processes import Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

MEMORY = "/dev/shm"
ROUNDS = 20, 300
WORKERS = 2


@contextmanager
def audit_service(tmp_path: Path, *, free: int) -> Iterator[Service]:
    """The service, with a /dev/shm of its own that has so many bytes."""
    if not disks.can_mount():
        pytest.skip("needs root, to mount a small disk")
    mount = f'mount -t tmpfs -o size={free} tmpfs {MEMORY} && exec "$@"'
    within = ["unshare", "--mount", "sh", "-c", mount, "sh"]
    with processes.audit_service(tmp_path, within=within, AUDIT_SERVICE_WORKERS=WORKERS) as service:
        yield service


def listeners(port: int) -> list[str]:
    """The sockets that listen on a port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return [line for line in lines if f":{port:04X} 00000000:0000 0A" in line]


def fill(service: Service) -> None:
    Ballast(Path(f"/proc/{service.pid}/root{MEMORY}")).take_all()


def counted(service: Service) -> float | None:
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    labels = {"method": "GET", "route": "/livez", "status": "200"}
    return Scrape(text).value("http_requests_total", **labels)


def use_all_of_it(service: Service, times: int) -> None:
    """Ask for much that is counted apart, over new connections, so that each worker has some."""
    for n in range(times):
        assert requests.get(f"{service.url}/livez", timeout=10).status_code == 200
        for method in ("GET", "PUT", "PATCH", "DELETE", "BREW"):
            for path in ("/v1/events", "/openapi.json", "/metrics", "/nowhere"):
                answer = requests.request(method, service.url + path, timeout=10)
                assert answer.status_code in {200, 404, 405}
        event = processes.fresh_id()
        with requests.Session() as session:
            assert (
                processes.post_event(session, service.url, f"{n} {event}".replace(" ", "-")) == 204
            )


def test_a_service_that_finds_it_full_serves_without_metrics(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    with audit_service(tmp_path, free=64 * 1024) as service:
        workers = service.workers()
        use_all_of_it(service, times(*ROUNDS))
        assert service.workers() == workers
        told = [
            line for line in service.lines() if line["message"].startswith("no room for metrics")
        ]
        assert len(told) == len(workers)
        assert counted(service) is None


def test_a_service_that_it_fills_up_under_goes_on_counting(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    with audit_service(tmp_path, free=16 * 1024 * 1024) as service:
        # Each has its file by then; the service is ready with the first of them.
        wait_until(lambda: len(listeners(service.port)) == WORKERS)
        fill(service)
        workers = service.workers()
        rounds = times(*ROUNDS)
        use_all_of_it(service, rounds)
        assert service.workers() == workers
        assert counted(service) == rounds
