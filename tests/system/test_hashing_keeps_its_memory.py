"""Hashing keeps its memory: to have it from the system each time costs half as much as a hash."""

import mmap
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.processes import Service
from tests.support.sink_server import answering, open_sink
from user_service.settings import Settings

HASHES = 40
PAGES = Settings.model_fields["argon2_memory_kib"].default * 1024 // mmap.PAGESIZE


def _page_faults(service: Service) -> int:
    """Pages that its processes were given so far, without reading from a disk."""
    stats = (Path(f"/proc/{pid}/stat").read_text() for pid in service.pids())
    return sum(int(stat.rpartition(")")[2].split()[7]) for stat in stats)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others are as they are")
def test_a_hash_does_not_have_its_memory_from_the_system_each_time(tmp_path: Path) -> None:
    with (
        open_sink(answering()) as sink,
        processes.user_service(tmp_path, sink.url, USER_SERVICE_WORKERS=1) as users,
        ThreadPoolExecutor(4) as pool,
    ):

        def create(number: int) -> int:
            body = {"name": f"{number}", "password": "12345"}
            return requests.post(f"{users.url}/v1/user", json=body, timeout=30).status_code

        # Each of its threads has some, and glibc sees that it is wanted again.
        assert set(pool.map(create, range(HASHES))) == {201}
        before = _page_faults(users)
        assert set(pool.map(create, range(HASHES))) == {201}
        assert _page_faults(users) - before < HASHES * PAGES / 4
