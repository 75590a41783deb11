"""Clients of the user service, who make users, change and delete them, and keep the answers."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.support.faults.working_threads import working
from tests.support.waiting import wait_until

CLIENTS = 6
PATIENCE_SECONDS = 20.0
AFTER_FAILURE_SECONDS = 0.05
CHEAPEST_HASHING = {"USER_SERVICE_ARGON2_MEMORY_KIB": 8, "USER_SERVICE_ARGON2_ITERATIONS": 1}


@dataclass
class History:
    """A user whose creation was answered 201. `version`: the last one that was answered 2xx.

    `failed`: whether the change after it was answered 5xx, or not at all.
    """

    user_id: str
    version: int = 1
    deleted: bool = False
    failed: bool = False


@dataclass
class Answers:
    """What all clients together were answered; `statuses` has 0 for no answer."""

    histories: list[History] = field(default_factory=list)
    failed_creations: int = 0
    acknowledged: int = 0
    statuses: set[int] = field(default_factory=set)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def count(self, status: int) -> bool:
        """Count an answer; whether it was 2xx."""
        acknowledged = 200 <= status < 300
        with self._counting:
            self.statuses.add(status)
            self.acknowledged += acknowledged
        return acknowledged

    def fail_creation(self) -> None:
        """Count a creation that was answered 5xx, or not at all."""
        with self._counting:
            self.failed_creations += 1

    def wait_for(self, more: int) -> None:
        """Return once so many more changes were answered 2xx."""
        wanted = self.acknowledged + more
        wait_until(lambda: self.acknowledged >= wanted, 60, "changes being made")


class Client:
    """One of them: one request at a time."""

    def __init__(self, url: str, answers: Answers) -> None:
        self._url = f"{url}/v1/user"
        self._answers = answers
        self._session = requests.Session()

    def keep_on(self, stop: threading.Event) -> None:
        """Make users, one after the other, until it is time to stop."""
        while not stop.is_set():
            history = self._create()
            if history is None:
                stop.wait(AFTER_FAILURE_SECONDS)
                continue
            for _ in range(random.randrange(6)):
                if stop.is_set() or not self._update(history):
                    break
            else:
                if random.random() < 0.3:
                    self._delete(history)
        self._session.close()

    def _create(self) -> History | None:
        status, made = self._ask("POST", self._url, {"name": "Ozzy", "password": "12345"})
        if not self._answers.count(status):
            self._answers.fail_creation()
            return None
        history = History(str(made["id"]))
        self._answers.histories.append(history)
        return history

    def _update(self, history: History) -> bool:
        name = f"Ozzy {history.version + 1}"
        status, _ = self._ask("PATCH", f"{self._url}/{history.user_id}", {"name": name})
        return self._changed(history, status)

    def _delete(self, history: History) -> None:
        status, _ = self._ask("DELETE", f"{self._url}/{history.user_id}", None)
        history.deleted = self._changed(history, status)

    def _changed(self, history: History, status: int) -> bool:
        if self._answers.count(status):
            history.version += 1
        else:
            assert status == 0 or status >= 500
            history.failed = True
        return not history.failed

    def _ask(self, method: str, url: str, body: object) -> tuple[int, dict[str, object]]:
        try:
            answer = self._session.request(method, url, json=body, timeout=PATIENCE_SECONDS)
        except requests.RequestException:
            return 0, {}
        return answer.status_code, answer.json() if answer.content else {}


@contextmanager
def at_work(url: str, clients: int = CLIENTS) -> Iterator[Answers]:
    """So many clients until the end of the block."""
    answers = Answers()
    with working([Client(url, answers).keep_on for _ in range(clients)]):
        yield answers
