"""Filling a log through its own `append`, and what it then takes on disk.

The events are like those of the user service, with ids and subjects of their own. Every other
id is random, for not all producers have ids that rise in time.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import uuid_utils

from audit_service.events import Event, JsonText, to_json
from audit_service.log import EventLog, migrate, open_log

COMMIT = 1000


@dataclass(frozen=True)
class Disk:
    """Bytes an event, on disk and in the JSON format, averages over `events`."""

    backend: str
    events: int
    stored: float
    structured: float


def fill(url: str, count: int) -> None:
    """Append that many events to the log at `url`, which is made where there is none."""
    migrate(url)
    with closing(open_log(url)) as backend:
        log = EventLog(backend)
        for start in range(0, count, COMMIT):
            log.append([*_events(min(COMMIT, count - start))])


def sqlite(folder: Path, count: int) -> Disk:
    """What a SQLite log of that many events takes, its WAL written back."""
    url = f"sqlite:///{folder}/disk.db"
    return _measured("SQLite", url, count, lambda: (folder / "disk.db").stat().st_size)


def postgres(url: str, count: int) -> Disk:
    """What a PostgreSQL log of that many events takes: its table with indexes, without WAL."""

    def size() -> int:
        with psycopg.connect(url) as db:
            row = db.execute("SELECT pg_total_relation_size('event')").fetchone()
        return row[0] if row else 0

    return _measured("PostgreSQL", url, count, size)


def _measured(backend: str, url: str, count: int, size: Callable[[], int]) -> Disk:
    fill(url, count)
    with closing(open_log(url)) as log:
        sample = log.newest(None, 1000, 2**30).records
    structured = sum(len(to_json(record.event)) for record in sample) / len(sample)
    return Disk(backend, count, size() / count, structured)


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
