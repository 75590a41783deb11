"""A relay in this process, an outbox to empty, and a sink that answers by event."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, text

from tests.user.sinks import Behaviour, Peer, Received
from user_service.events import describe, serialise
from user_service.happenings import Happening, Kind, User, now
from user_service.outbox import put
from user_service.relay import Activity, Relay
from user_service.settings import Settings
from user_service.sinks import open_carrier
from user_service.transactions import writing

SECONDS = 20.0

Answer = Callable[[list[str], int], tuple[int, dict[str, str]]]
"""Of the subjects in a request and its number, from 0: a status and headers."""


def fresh_user() -> str:
    return str(uuid.uuid4())


def wait(engine: Engine, *users: str, versions: int = 1) -> None:
    """Let so many events of each user wait in the outbox, the users in turn."""
    with writing(engine) as connection:
        for version in range(1, versions + 1):
            for user_id in users:
                at = now()
                user = User(user_id, "Ozzy", version, at, at)
                happening = Happening(Kind.UPDATED if version > 1 else Kind.CREATED, user, at)
                put(connection, happening, serialise(describe(happening, "/tests")))


def outbox_rows(engine: Engine) -> list[tuple[Any, ...]]:
    """Subject, state, attempts, tried and backoff seconds, last error; the oldest first."""
    query = """SELECT subject, state, attempts, tried_seconds, backoff_seconds, last_error
        FROM outbox ORDER BY id"""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def until(holds: Callable[[], object]) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.01)


def events_of(request: Received) -> list[tuple[str, int]]:
    """Subject and version of each event in a request."""
    if request.headers["content-type"].startswith("application/cloudevents-batch"):
        return [(each["subject"], each["subjectversion"]) for each in json.loads(request.body)]
    return [(request.headers["ce-subject"], int(request.headers["ce-subjectversion"]))]


def arrivals(requests: Sequence[Received]) -> list[tuple[str, int]]:
    """The first arrival of each event, in order."""
    return list(dict.fromkeys(each for request in requests for each in events_of(request)))


def answering_by(answer: Answer) -> Behaviour:
    """Answers each request by who is in it."""
    numbers = iter(range(10**9))
    lock = threading.Lock()

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        with lock:
            subjects = [subject for subject, _ in events_of(peer.request)]
            status, headers = answer(subjects, next(numbers))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = "" if status == 204 else "Content-Length: 0\r\n"
        peer.send(f"HTTP/1.1 {status} Told\r\n{head}{length}\r\n".encode())
        return True

    return behave


@contextmanager
def relaying(engine: Engine, sink: str, **settings: Any) -> Iterator[Activity]:
    """A relay that runs until the end of the block, and then stops within seconds."""
    told = Settings(sink=sink, relay_lease_seconds=1.0, **settings)
    activity = Activity()
    relay = Relay(engine, open_carrier(told), told, activity)
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=("test", stop))
    thread.start()
    try:
        yield activity
    finally:
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive()
