"""Hundreds of live streams join and leave while the service is killed: none misses an event."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.faults.stream_clients import Follower, StreamClients
from tests.support.processes import Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

SUBJECTS = 60, 500
SECONDS = 5, 30
RATE = 200


class Sender:
    """Sends events at a steady rate, each of a subject in turn; knows what was acknowledged."""

    def __init__(self, audit: Service, subjects: int) -> None:
        self.acknowledged: dict[str, list[str]] = defaultdict(list)
        self._audit = audit
        self._subjects = subjects
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        with requests.Session() as session:
            for number in itertools.count():
                if self._stop.wait(1 / RATE):
                    return
                self._send(session, f"s{number % self._subjects}", f"{number}")

    def _send(self, session: requests.Session, subject: str, event_id: str) -> None:
        headers = {"ce-id": event_id, "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}
        headers["ce-subject"] = subject
        # Until it is acknowledged: a repeat is a duplicate.
        while not self._stop.is_set():
            try:
                answer = session.post(self._audit.url, headers=headers, timeout=10)
            except requests.RequestException:
                self._stop.wait(0.05)
            else:
                if answer.status_code == 204:
                    self.acknowledged[subject].append(event_id)
                    return


@pytest.mark.timeout(300)
def test_no_stream_misses_an_event_or_sees_one_twice(
    tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    subjects = times(*SUBJECTS)
    followers = [Follower(f"s{n}") for n in range(subjects)] + [Follower(None) for _ in range(10)]
    with processes.audit_service(tmp_path) as audit:
        sender = Sender(audit, subjects)
        with StreamClients(audit.url, followers):
            with sender.at_work():
                threading.Event().wait(times(*SECONDS) / 2)
                audit.kill()
                audit.start()
                threading.Event().wait(times(*SECONDS) / 2)
            wait_until(lambda: not lacking(followers, sender), 60, "what all are to see")
    for follower in followers:
        positions = [position for position, _ in follower.seen]
        assert positions == sorted(set(positions))
        assert follower.joined > 0
        assert {event_id for _, event_id in follower.seen} >= set(wanted(follower, sender))


def lacking(followers: list[Follower], sender: Sender) -> list[Follower]:
    """Those who have not seen all that was acknowledged for them."""
    return [each for each in followers if len(each.seen) < len(wanted(each, sender))]


def wanted(follower: Follower, sender: Sender) -> list[str]:
    if follower.subject is not None:
        return sender.acknowledged[follower.subject]
    return [event_id for ids in sender.acknowledged.values() for event_id in ids]
