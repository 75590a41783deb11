"""Relay harness: an outbox to fill, relays in threads of this process, sinks that judge events."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Engine, event, insert, text
from sqlalchemy.exc import OperationalError

from service_kit.clock import now, to_microseconds
from tests.support.sink_server import Behaviour, Peer, Received
from user_service.relay import Relay, RelayStatus, RelayTiming
from user_service.settings import Settings
from user_service.sinks import open_batch_sender
from user_service.sinks.cloudevents import describe, serialise
from user_service.store import database, outbox
from user_service.store.outbox import State
from user_service.store.tables import OUTBOX
from user_service.store.transactions import writing
from user_service.users.domain import ChangeKind, User, UserChange

PATIENCE_SECONDS = 20.0
HOUR = 3600
MILLISECOND = 0.001 / HOUR


@dataclass(frozen=True, order=True)
class UserEvent:
    """An event as a sink knows it: the user's id and version."""

    user: str
    version: int


Verdict = int | tuple[int, str] | Behaviour
"""A status, with a header line or not; or what else to do to the peer."""

Judge = Callable[[Sequence[UserEvent]], Verdict]


def fill(engine: Engine, *users: str, versions: Sequence[int] = (1,)) -> None:
    """Let an event of each version of each user wait; the versions come one after the other."""
    rows = [
        {
            "subject": user,
            "type": ChangeKind.UPDATED.value,
            "event": serialise(describe(change_of(user, version), "/source")),
            "created_at": to_microseconds(now()),
            "state": State.WAITING,
            "attempts": 0,
            "tried_seconds": 0.0,
            "backoff_seconds": 0.0,
        }
        for version in versions
        for user in users
    ]
    with writing(engine) as connection:
        connection.execute(insert(OUTBOX), rows)
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"NOTIFY {outbox.CHANNEL}"))


def change_of(user: str, version: int) -> UserChange:
    """A change of the user."""
    at = now()
    return UserChange(ChangeKind.UPDATED, User(user, "Ozzy", version, at, at), at)


def put_one(connection: Connection, user: str, version: int = 1) -> None:
    """Let an event wait, once the transaction ends."""
    change = change_of(user, version)
    outbox.put(connection, change, serialise(describe(change, "/source")))


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    """An engine of its own on a database."""
    engine = database.connect(url, threads=2)
    try:
        yield engine
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Entry:
    """A row of the outbox."""

    id: int
    user: str
    state: str
    attempts: int
    tried_seconds: float
    backoff_seconds: float
    last_error: str | None


def entries(engine: Engine) -> list[Entry]:
    """All rows, in the order of their ids."""
    columns = "id, subject, state, attempts, tried_seconds, backoff_seconds, last_error"
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT {columns} FROM outbox ORDER BY id"))
        return [Entry(*row) for row in found]


def states(engine: Engine) -> dict[str, int]:
    """How many rows there are of each state."""
    found = [entry.state for entry in entries(engine)]
    return {state: found.count(state) for state in set(found)}


def drained(engine: Engine) -> Callable[[], bool]:
    """Whether nothing waits."""
    return lambda: "waiting" not in states(engine)


def events_in(request: Received) -> list[UserEvent]:
    """What a request tells: one event in binary mode, or a batch."""
    if request.headers["content-type"].startswith("application/cloudevents-batch+json"):
        batch: list[dict[str, Any]] = json.loads(request.body)
        return [UserEvent(event["subject"], event["subjectversion"]) for event in batch]
    headers = request.headers
    return [UserEvent(headers["ce-subject"], int(headers["ce-subjectversion"]))]


def judging(judge: Judge) -> Behaviour:
    """Answers each request as the judge says, who sees the events."""

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        verdict = judge(events_in(peer.request))
        if callable(verdict):
            return verdict(peer)
        status, line = verdict if isinstance(verdict, tuple) else (verdict, "")
        lines = [f"HTTP/1.1 {status} Told", line, "" if status == 204 else "Content-Length: 0"]
        peer.send("".join(f"{each}\r\n" for each in lines if each).encode(), b"\r\n")
        return True

    return behave


def hang(peer: Peer) -> bool:
    """Answer nothing."""
    peer.stop_event.wait()
    return False


def break_off(_: Peer) -> bool:
    """Close without an answer."""
    return False


def talk_nonsense(peer: Peer) -> bool:
    """Answer what is not HTTP."""
    peer.send(b"nonsense\r\n\r\n")
    return False


@dataclass
class SinkLog:
    """Notes what arrives and what was acknowledged, and asks another judge for the verdict."""

    judge: Judge = lambda _: 204
    arrived: list[list[UserEvent]] = field(default_factory=list)
    acknowledged: list[UserEvent] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _under_way: list[str] = field(default_factory=list)

    def __call__(self, events: Sequence[UserEvent]) -> Verdict:
        users = {event.user for event in events}
        with self._lock:
            self.arrived.append(list(events))
            self.at.append(time.monotonic())
            self._under_way += users
            most = max(self._under_way.count(user) for user in users)
            self.at_once = max(self.at_once, most)
        verdict = self.judge(events)
        with self._lock:
            for user in users:
                self._under_way.remove(user)
            if verdict == 204:
                self.acknowledged += events
        return verdict

    def has_acknowledged(self, event: UserEvent) -> bool:
        """Whether the event was."""
        return event in self.acknowledged

    def singles(self) -> list[UserEvent]:
        """What arrived, request boundaries forgotten."""
        return [event for events in self.arrived for event in events]

    def first_arrivals(self) -> list[UserEvent]:
        """Each event where it came first."""
        return list(dict.fromkeys(self.singles()))

    def of(self, user: str) -> list[int]:
        """The versions of a user as they were acknowledged, repeats left out."""
        found = dict.fromkeys(self.acknowledged)
        return [event.version for event in found if event.user == user]


def fail_to_connect(*_: object) -> None:
    """A listener to an engine: each statement fails as if the database could not be reached."""
    raise OperationalError("", {}, ConnectionError("cut off"))


@dataclass
class Running:
    """A relay in a thread."""

    status: RelayStatus
    counted: dict[str, int]
    stop: threading.Event
    thread: threading.Thread
    engine: Engine

    def is_active(self) -> bool:
        """Whether it holds the lease."""
        return self.status.active

    def cut_off(self) -> None:
        """From now on its database is as if it could not be reached."""
        event.listen(self.engine, "before_cursor_execute", fail_to_connect)

    def end(self) -> None:
        """Stop it, and wait until it has."""
        self.stop.set()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()


# A relay of a test waits shorter for a sink, and for an event that backs off.
QUICK = {
    "shortest_probe_seconds": 0.02,
    "longest_probe_seconds": 0.1,
    "shortest_backoff_seconds": 0.02,
}


def timing(**changes: Any) -> RelayTiming:
    """The timing of a relay in operation on SQLite, with these changes."""
    return replace(RelayTiming.of(Settings(sink="http://127.0.0.1:9/"), "sqlite"), **changes)


PATIENT: Final[Mapping[str, Any]] = MappingProxyType(
    {"relay_lease_seconds": 10.0, "relay_timeout": 10.0}
)
"""Of a relay that repeats nothing, however busy the machine is."""


@contextmanager
def relaying(
    url: str,
    sink: str,
    name: str = "",
    status: RelayStatus | None = None,
    timing: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,
) -> Iterator[Running]:
    """A relay from the database at `url` to `sink`, stopped at the end.

    It counts what becomes of events, unless it is to tell a `status` of its own. `timing`: what
    differs from the quick one.
    """
    usual = {"relay_lease_seconds": 0.5, "relay_timeout": 1.0, "relay_pause_seconds": 0.2}
    told = Settings(database_url=url, sink=sink, **{**usual, **settings})
    engine = database.connect(url, threads=4, idle_seconds=told.relay_lease_seconds)
    counted: dict[str, int] = {}

    def count(outcome: str, events: int) -> None:
        counted[outcome] = counted.get(outcome, 0) + events

    status, stop = status or RelayStatus(count), threading.Event()
    when = replace(RelayTiming.of(told, engine.dialect.name), **{**QUICK, **timing})
    relay = Relay(engine, open_batch_sender(told), status, when)
    thread = threading.Thread(target=relay.run, args=(name or str(uuid.uuid4()), stop))
    running = Running(status, counted, stop, thread, engine)
    thread.start()
    try:
        yield running
    finally:
        running.end()
        engine.dispose()
