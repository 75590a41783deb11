"""Everything is killed at any moment, again and again: no acknowledged event is ever not found."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support import load, processes
from tests.support.processes import Service

pytestmark = pytest.mark.faults

ROUNDS = 5, 50
SEARCHERS = 3


class Searches:
    """Searches for what was just acknowledged, by one filter or another."""

    def __init__(self, audit: Service, clients: load.Load) -> None:
        self.missed: list[str] = []
        self._audit = audit
        self._clients = clients
        self._choose = random.Random()

    def ask(self, session: requests.Session) -> str | None:
        """The id of what was searched for, where it was found."""
        acknowledged = self._clients.acknowledged
        if not acknowledged:
            return None
        wanted = self._choose.choice((acknowledged[-1], self._choose.choice(acknowledged)))
        name = self._choose.choice(["id", "data.id", "q"])
        order = self._choose.choice(["asc", "desc"])
        asked = {name: wanted, "order": order, "type": "test.*", "count": "true"}
        answer = session.get(f"{self._audit.url}/v1/events", params=asked, timeout=20)
        if answer.status_code == 503:
            return None
        page = answer.json()
        if len(page["items"]) == page["count"]["matches"] == 1:
            return wanted
        self.missed.append(f"{asked}: {answer.text}")
        return None


@pytest.mark.timeout(900)
def test_no_acknowledged_event_is_not_found_by_the_next_query(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    choose = random.Random()
    with (
        processes.indexed_audit_service(tmp_path) as audit,
        load.of_events(audit.url, clients=4) as clients,
    ):
        searches = Searches(audit, clients)
        with load.Load(searches.ask, SEARCHERS) as found:
            for _ in range(times(*ROUNDS)):
                clients.wait_for(more=choose.randrange(5, 80))
                audit.kill()
                audit.start()
            clients.wait_for(more=20)
    assert searches.missed == []
    assert len(found.acknowledged) > 20
