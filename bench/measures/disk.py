"""Bytes on disk: a log that is filled through its own `append`, and what it then takes.

The events are like those of the user service, with ids and subjects of their own. Every other
id is random, for not all producers have ids that rise in time.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
import uuid_utils

from audit_service.events import Event, JsonText, to_json
from audit_service.log import EventLog, migrate, open_log
from bench.machine.workspace import Workspace
from bench.measures.rounds import Progress

COMMIT = 1000


@dataclass(frozen=True)
class Disk:
    """Bytes an event, on disk and in the JSON format, averages over `events`."""

    backend: str
    events: int
    stored: float
    structured: float


def measure(workspace: Workspace, count: int, progress: Progress) -> list[Disk]:
    """Of a log of that many events: SQLite's file, its WAL written back; and PostgreSQL's table
    with indexes, without its WAL.
    """
    progress("bytes on disk")
    with workspace.folder() as folder:
        file = folder / "events.db"
        found = [_measured("SQLite", f"sqlite:///{file}", count, lambda: file.stat().st_size)]
    if workspace.postgres:
        with workspace.postgres.database() as url:
            found.append(_measured("PostgreSQL", url, count, lambda: _table_size(url)))
    return found


def fill(url: str, count: int) -> None:
    """Append that many events to the log at `url`, which is made where there is none."""
    migrate(url)
    with closing(open_log(url)) as backend:
        log = EventLog(backend)
        for start in range(0, count, COMMIT):
            log.append([*_events(min(COMMIT, count - start))])


def _measured(backend: str, url: str, count: int, size: Callable[[], int]) -> Disk:
    fill(url, count)
    with closing(open_log(url)) as log:
        sample = log.newest(None, 1000, 2**30).records
    structured = sum(len(to_json(record.event)) for record in sample) / len(sample)
    return Disk(backend, count, size() / count, structured)


def _table_size(url: str) -> int:
    with psycopg.connect(url) as db:
        row = db.execute("SELECT pg_total_relation_size('event')").fetchone()
    return row[0] if row else 0


def _events(count: int) -> Iterator[Event]:
    for number in range(count):
        user = str(uuid.uuid4())
        attributes: dict[str, str | int | bool] = {
            "specversion": "1.0",
            "id": str(uuid.uuid4() if number % 2 else uuid_utils.uuid7()),
            "source": "github.com/eminetto/post-cloudevents",
            "type": "user.storeUser",
            "time": f"2026-11-23T18:00:00.{number:06d}Z",
            "datacontenttype": "application/json",
            "subject": user,
            "partitionkey": user,
            "subjectversion": "1",
        }
        yield Event(attributes, JsonText(b'{"id": "%s"}' % user.encode()))
