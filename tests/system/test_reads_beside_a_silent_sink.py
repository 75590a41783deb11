"""Reads of users are answered, whatever number of changes wait for a sink that is silent."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.support.processes import user_service
from tests.support.sink_server import hanging, open_sink
from tests.support.slow_clients import probe

CHANGES = 60
READS = 50
MOST_SECONDS = 0.5
LIST = b"GET /v1/user HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_reads_do_not_wait_for_changes(tmp_path: Path) -> None:
    with (
        open_sink(hanging()) as sink,
        user_service(tmp_path, sink.url, USER_SERVICE_WORKERS=1) as users,
        ThreadPoolExecutor(CHANGES) as pool,
    ):

        def change(number: int) -> int:
            body = {"name": f"{number}", "password": "p"}
            return requests.post(f"{users.url}/v1/user", json=body, timeout=30).status_code

        changes = [pool.submit(change, number) for number in range(CHANGES)]
        sink.wait_for(1)
        seconds = [probe(users.url, LIST) for _ in range(READS)]
        assert not all(each.done() for each in changes)
        assert max(seconds) < MOST_SECONDS
        assert {each.result() for each in changes} == {500, 503}
