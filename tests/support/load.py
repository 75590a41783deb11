"""Load on a service: clients that go on until they are stopped, and know what was acknowledged."""

import threading
from collections.abc import Callable
from typing import Self

import requests

from tests.support import processes
from tests.support.waiting import wait_until

Ask = Callable[[requests.Session], str | None]
"""Asks for one thing, and gives its id where it was acknowledged."""


class Load:
    """Clients that ask for one thing after the other."""

    def __init__(self, ask: Ask, clients: int) -> None:
        self.acknowledged: list[str] = []
        self._ask = ask
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Return once so many more things were acknowledged."""
        wanted = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= wanted)

    def _run(self) -> None:
        with requests.Session() as session:
            while not self._stop.is_set():
                try:
                    acknowledged = self._ask(session)
                except requests.RequestException:
                    self._stop.wait(0.05)
                else:
                    self.acknowledged += [] if acknowledged is None else [acknowledged]


def of_events(url: str, clients: int) -> Load:
    """Clients that post events to an audit service."""

    def ask(session: requests.Session) -> str | None:
        event_id = processes.fresh_id()
        return event_id if processes.post_event(session, url, event_id) == 204 else None

    return Load(ask, clients)


def of_users(url: str, clients: int) -> Load:
    """Clients that make users."""

    def ask(session: requests.Session) -> str | None:
        body = {"name": "Ozzy Osbourne", "password": "12345"}
        answer = session.post(f"{url}/v1/user", json=body, timeout=10)
        return answer.json()["id"] if answer.status_code == 201 else None

    return Load(ask, clients)
