"""Evidence on the wire and in the log, and the rules that it must keep."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import requests
from sqlalchemy import Engine, func, select

from tests.support import processes
from tests.support.sink_server import Received
from user_service.store import intents
from user_service.store.outbox import State
from user_service.store.tables import OUTBOX, USERS


@dataclass(frozen=True)
class Seen:
    """An event, by what tells its place in its user's history."""

    id: str
    subject: str
    version: int
    type: str


def in_the_log(url: str) -> list[Seen]:
    """Every event of the audit service's log, in the order in which they were stored."""
    return [_seen(record["event"]) for record in processes.stored_events(url)]


def number_in_the_log(url: str) -> int:
    """How many events the audit service's log has."""
    items = requests.get(f"{url}/v1/events?limit=1", timeout=10).json()["items"]
    return int(items[0]["position"]) if items else 0


def on_the_wire(received: Iterable[Received]) -> list[Seen]:
    """Every event that a sink was sent, repeats too, in the order of arrival."""
    return [seen for request in received for seen in _of_request(request)]


def users_and_versions(engine: Engine) -> dict[str, int]:
    """Every user who is stored, and their version."""
    with engine.connect() as connection:
        return {row.id: row.version for row in connection.execute(select(USERS))}


def in_the_outbox(engine: Engine, state: State) -> int:
    """How many events are in that state."""
    counted = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state == state)
    with engine.connect() as connection:
        return int(connection.execute(counted).scalar_one())


def unsettled(engine: Engine) -> int:
    """How many changes of direct delivery are begun, and neither made nor given up."""
    with engine.connect() as connection:
        return intents.count(connection)


def check_each_once(events: Sequence[Seen]) -> None:
    """No event is in it twice."""
    twice = [event for event, number in Counter(events).items() if number > 1]
    assert twice == []


def check_first_arrivals_in_order(events: Sequence[Seen]) -> None:
    """Each user's events come first in the order of their versions, and none is left out."""
    for subject, versions in versions_by_user(dict.fromkeys(events)).items():
        assert versions == list(range(1, len(versions) + 1)), subject


def versions_by_user(events: Iterable[Seen]) -> Mapping[str, list[int]]:
    """The versions of each user, in the order of the events."""
    versions = defaultdict(list)
    for event in events:
        versions[event.subject].append(event.version)
    return versions


def _of_request(request: Received) -> Iterable[Seen]:
    headers = request.headers
    if headers.get("content-type") == "application/cloudevents-batch+json":
        return [_seen(event) for event in json.loads(request.body)]
    names = ("id", "subject", "subjectversion", "type")
    return [_seen({name: headers[f"ce-{name}"] for name in names})]


def _seen(event: Mapping[str, str]) -> Seen:
    return Seen(event["id"], event["subject"], int(event["subjectversion"]), event["type"])
