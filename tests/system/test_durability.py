"""Durability: what was acknowledged is there, exactly once, whichever process was killed."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support import load, processes


def test_sixteen_clients_sending_every_event_twice_store_each_once(tmp_path: Path) -> None:
    ids = [processes.fresh_id() for _ in range(400)]
    sent = ids * 2
    random.shuffle(sent)
    with processes.audit_service(tmp_path) as audit:

        def client(part: list[str]) -> set[int]:
            with requests.Session() as session:
                return {processes.post_event(session, audit.url, event_id) for event_id in part}

        with ThreadPoolExecutor(16) as pool:
            statuses = set().union(*pool.map(client, (sent[n::16] for n in range(16))))
        records = processes.stored_events(audit.url)
    assert statuses == {204}
    assert sorted(record["event"]["id"] for record in records) == sorted(ids)
    assert [record["position"] for record in records] == list(range(1, len(ids) + 1))


@pytest.mark.faults
def test_kills_under_load_lose_nothing_acknowledged_and_double_nothing(
    tmp_path: Path, often: Callable[[int, int], int]
) -> None:
    with processes.audit_service(tmp_path) as audit:
        with load.of_events(audit.url, clients=8) as clients:
            for _ in range(often(8, 30)):
                clients.wait_for(more=20)
                audit.kill()
                audit.start()
        records = processes.stored_events(audit.url)
    stored = Counter(record["event"]["id"] for record in records)
    assert set(clients.acknowledged) <= set(stored)
    assert max(stored.values()) == 1
    assert [record["position"] for record in records] == list(range(1, len(records) + 1))


def test_sigterm_finishes_what_was_accepted(tmp_path: Path) -> None:
    with processes.audit_service(tmp_path) as audit:
        with load.of_events(audit.url, clients=8) as clients:
            clients.wait_for(more=50)
            assert audit.terminate() == 0
            audit.start()
            clients.wait_for(more=10)
        stored = {record["event"]["id"] for record in processes.stored_events(audit.url)}
    assert set(clients.acknowledged) <= stored
