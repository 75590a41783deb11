"""Load on a service: clients that go on until they are stopped."""

import threading
from typing import Self

import requests

from tests.support import processes
from tests.support.waiting import wait_until


class Load:
    """Clients that post events until they are stopped, and remember what was acknowledged."""

    def __init__(self, url: str, clients: int) -> None:
        self.acknowledged: list[str] = []
        self._url = url
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
        """Return once so many more events were acknowledged."""
        wanted = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= wanted)

    def _run(self) -> None:
        with requests.Session() as session:
            while not self._stop.is_set():
                event_id = processes.fresh_id()
                try:
                    if processes.post_event(session, self._url, event_id) == 204:
                        self.acknowledged.append(event_id)
                except requests.RequestException:
                    self._stop.wait(0.05)
