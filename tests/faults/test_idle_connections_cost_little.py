"""Idle connections by the thousand: others are answered as ever, and little memory is taken."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import raw_http
from tests.support.ports import free_port
from tests.support.processes import Service
from tests.support.slow_clients import WHOLE, connect, p99, probe

pytestmark = pytest.mark.faults

MOST_SECONDS = 0.1
MOST_KIB = 60 * 1024
PROBES = 200
# A soft limit of open files that is soon reached; a service has to raise it.
FEW_FILES = ("sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh")


@pytest.fixture(params=["audit", "user"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A service at its defaults."""
    url = f"sqlite:///{tmp_path}/it.db"
    settings = {f"{request.param.upper()}_SERVICE_DATABASE_URL": url}
    name = f"{request.param}-service"
    with Service(name, tmp_path, free_port(), settings, within=FEW_FILES) as service:
        yield service


def _workers_kib(service: Service) -> int:
    """The memory of all workers."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in service.workers()]
    found = [re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE) for text in texts]
    assert len(found) >= 2
    return sum(int(match[1]) for match in found if match)


def _probes_p99(service: Service) -> float:
    return p99([probe(service.url) for _ in range(PROBES)])


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("many_files")
def test_idle_connections_delay_nothing_and_take_little_memory(
    service: Service, times: Callable[[int, int], int]
) -> None:
    _probes_p99(service)
    before = _workers_kib(service)
    with ExitStack() as stack:
        kept = [stack.enter_context(connect(service.url)) for _ in range(times(200, 2000))]
        for connection in kept:
            connection.sendall(WHOLE)
            assert raw_http.next_answer(connection).startswith(b"HTTP/1.1 200 ")
        assert _probes_p99(service) < MOST_SECONDS
        grown = _workers_kib(service) - before
        # None was closed for another.
        for connection in kept:
            connection.sendall(WHOLE)
            assert raw_http.next_answer(connection).startswith(b"HTTP/1.1 200 ")
    assert grown <= MOST_KIB
