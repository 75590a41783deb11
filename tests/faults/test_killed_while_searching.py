"""Everything is killed at any moment, again and again: no acknowledged event is ever not found."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
import requests

from tests.support import load, processes
from tests.support.processes import Service

pytestmark = pytest.mark.faults

ROUNDS = 5, 50
SEARCHERS = 3


class Searchers:
    """Clients that search for what was just acknowledged, each by a filter of its own."""

    def __init__(self, audit: Service, clients: load.Load) -> None:
        self.found = 0
        self.missed: list[str] = []
        self._audit = audit
        self._clients = clients
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(SEARCHERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        choose = random.Random(number)
        with requests.Session() as session:
            while not self._stop.is_set():
                acknowledged = self._clients.acknowledged
                if acknowledged:
                    recent = choose.choice((acknowledged[-1], choose.choice(acknowledged)))
                    self._search(session, recent, choose)

    def _search(self, session: requests.Session, event_id: str, choose: random.Random) -> None:
        name = choose.choice(["id", "data.id", "q"])
        order = choose.choice(["asc", "desc"])
        asked = {name: event_id, "order": order, "type": "test.*", "count": "true"}
        try:
            answer = session.get(f"{self._audit.url}/v1/events", params=asked, timeout=20)
        except requests.RequestException:
            self._stop.wait(0.05)
            return
        if answer.status_code == 503:
            return
        page = answer.json()
        if len(page["items"]) == page["count"]["matches"] == 1:
            self.found += 1
        else:
            self.missed.append(f"{asked}: {answer.text}")


@pytest.mark.timeout(900)
def test_no_acknowledged_event_is_not_found_by_the_next_query(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    choose = random.Random()
    with (
        processes.audit_service(tmp_path) as audit,
        load.of_events(audit.url, clients=4) as clients,
        Searchers(audit, clients) as searchers,
    ):
        for _ in range(times(*ROUNDS)):
            clients.wait_for(more=choose.randrange(5, 80))
            audit.kill()
            audit.start()
        clients.wait_for(more=20)
    assert searchers.missed == []
    assert searchers.found > 20
