"""How fast the relay drains an outbox into our audit service: `python -m bench.measures.outbox`.

The outbox is filled before. Both run as real processes on this machine, each with its database
on its disk. What is timed is between the first event's arrival in the log and the last one's.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import click
import requests
from sqlalchemy import Engine, insert

from bench.contenders import services as servers
from bench.contenders.framework_environment import CACHE
from bench.contenders.services import BIN, Workspace
from bench.machine.server_process import free_port, serving
from bench.measures.rates import Spread
from service_kit.clock import now, to_microseconds
from user_service.sinks.cloudevents import describe, serialise
from user_service.store import database
from user_service.store.outbox import State
from user_service.store.tables import OUTBOX
from user_service.users.domain import ChangeKind, User, UserChange

EVENTS_OF_A_USER = 5
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Way:
    """How events are sent: the most in one request; and how many wait, so that it takes a while."""

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
    with servers.a_workspace(CACHE, framework=None) as workspace:
        for number in range(1, rounds + 1):
            for way in WAYS:
                rate = _measured(workspace, way)
                rates[way.name].append(rate)
                click.echo(f"{number}: {way.name}: {rate:,.0f} events/s", err=True)
    for name, values in rates.items():
        spread = Spread(tuple(values))
        click.echo(f"{name}: {spread.median:,.0f} events/s ({spread.low:,.0f}-{spread.high:,.0f})")


def _measured(workspace: Workspace, way: Way) -> float:
    with _outbox(workspace, way.events) as url, servers.audit(workspace) as (sink, *_):
        port = free_port()
        settings = {
            "USER_SERVICE_RELAY_BIND": f"127.0.0.1:{port}",
            "USER_SERVICE_DATABASE_URL": url,
            "USER_SERVICE_SINK": sink.url,
            "USER_SERVICE_SINK_BATCH": way.batch,
        }
        command = [str(BIN / "user-service"), "relay"]
        with serving(
            "relay", command, port=port, output=workspace.output, settings=settings, workers=1
        ):
            _wait(partial(_event, sink.url, way.events))
        return way.events / (_arrival(sink.url, way.events) - _arrival(sink.url, 1)).total_seconds()


@contextmanager
def _outbox(workspace: Workspace, events: int) -> Iterator[str]:
    """The URL of a database in which so many events wait."""
    file = workspace.data / f"{uuid.uuid4().hex}.db"
    url = f"sqlite:///{file}"
    engine = database.connect(url, threads=1)
    database.migrate(engine)
    _fill(engine, events)
    engine.dispose()
    try:
        yield url
    finally:
        for path in Path(workspace.data).glob(f"{file.name}*"):
            path.unlink()


def _fill(engine: Engine, events: int) -> None:
    users = [str(uuid.uuid4()) for _ in range(-(-events // EVENTS_OF_A_USER))]
    with engine.begin() as connection:
        connection.execute(insert(OUTBOX), _rows(users, events))


def _rows(users: Sequence[str], events: int) -> list[dict[str, object]]:
    """So many rows, the users in turn."""
    return [
        _row(users[number % len(users)], version=1 + number // len(users))
        for number in range(events)
    ]


def _row(user_id: str, version: int) -> dict[str, object]:
    at = now()
    kind = ChangeKind.CREATED if version == 1 else ChangeKind.UPDATED
    change = UserChange(kind, User(user_id, "Ozzy", version, at, at), at, changed=["name"])
    return {
        "subject": user_id,
        "type": kind.value,
        "event": serialise(describe(change, "github.com/eminetto/post-cloudevents")),
        "created_at": to_microseconds(at),
        "state": State.WAITING,
        "attempts": 0,
        "tried_seconds": 0.0,
        "backoff_seconds": 0.0,
    }


def _event(url: str, position: int) -> dict[str, str] | None:
    answer = requests.get(f"{url}/v1/events/{position}", timeout=10)
    found: dict[str, str] | None = answer.json() if answer.ok else None
    return found


def _arrival(url: str, position: int) -> datetime:
    found = _event(url, position)
    if found is None:
        raise LookupError(position)
    return datetime.fromisoformat(found["received_at"])


def _wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError("not all events arrived")
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
