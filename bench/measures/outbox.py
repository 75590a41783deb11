"""Outbox: events a second from it into our audit service: `python -m bench.measures.outbox`.

The outbox is filled before. The relay and the audit service run as real processes on this machine,
each with its database on its disk. What is timed is between the first event's arrival in the log
and the last one's.
"""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime

import click
import requests

from bench.contenders import servers
from bench.machine.workspace import Workspace, a_workspace
from bench.measures.spread import Spread
from service_kit.clock import now
from user_service.sinks.cloudevents import describe, serialise
from user_service.store import database, outbox, schema
from user_service.users.domain import ChangeKind, User, UserChange

SOURCE = "github.com/eminetto/post-cloudevents"
EVENTS_OF_A_USER = 5
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Way:
    """Way of sending: the most in one request; and how many wait, so that it takes a while."""

    name: str
    batch: int
    events: int


WAYS = (
    Way("single posts", 1, 10_000),
    Way("batches of 100", 100, 50_000),
    Way("batches of 500", 500, 50_000),
)


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=5, help="How often each of them is measured.")
def main(*, rounds: int) -> None:
    """Print events a second, for each way of sending."""
    rates: dict[str, list[float]] = {way.name: [] for way in WAYS}
    with a_workspace() as workspace:
        for number in range(1, rounds + 1):
            for way in WAYS:
                rates[way.name].append(_measured(workspace, way))
                click.echo(f"{number}: {way.name}: {rates[way.name][-1]:,.0f} events/s", err=True)
    for name, values in rates.items():
        click.echo(f"{name}: {Spread(tuple(values)).text()} events/s")


def _measured(workspace: Workspace, way: Way) -> float:
    with workspace.folder() as folder, servers.audit(workspace) as (sink, *_):
        url = f"sqlite:///{folder}/users.db"
        settings = {
            "USER_SERVICE_DATABASE_URL": url,
            "USER_SERVICE_SINK": sink.url,
            "USER_SERVICE_SINK_BATCH": way.batch,
        }
        _fill(url, way.events)
        bind = "USER_SERVICE_RELAY_BIND"
        with servers.our_server(workspace, "user-service relay", bind, settings, workers=1):
            last = _arrival(sink.url, way.events)
        return way.events / (last - _arrival(sink.url, 1)).total_seconds()


def _fill(url: str, events: int) -> None:
    """Let so many events wait in a new database, the users in turn."""
    users = [str(uuid.uuid4()) for _ in range(-(-events // EVENTS_OF_A_USER))]
    engine = database.connect(url, threads=1)
    schema.migrate(engine)
    with engine.begin() as connection:
        for number in range(events):
            change = _change(users[number % len(users)], version=1 + number // len(users))
            outbox.put(connection, change, serialise(describe(change, SOURCE)))
    engine.dispose()


def _change(user_id: str, version: int) -> UserChange:
    at = now()
    kind = ChangeKind.CREATED if version == 1 else ChangeKind.UPDATED
    return UserChange(kind, User(user_id, "Ozzy", version, at, at), at, changed=["name"])


def _arrival(url: str, position: int) -> datetime:
    """The time at which the event of that position was received, once it is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = requests.get(f"{url}/v1/events/{position}", timeout=10)
        if answer.ok:
            return datetime.fromisoformat(answer.json()["received_at"])
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"event {position:,} did not arrive")


if __name__ == "__main__":
    main()
