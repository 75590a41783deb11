"""Consumer: events a second from a Kafka topic to the disk: `python -m bench.measures.consumer`.

A topic of three partitions is filled; then one consumer stores it in SQLite. The clock runs
from its first commit to its last, so that joining the group does not count.
"""

import re
import sys
import time
import uuid
from collections.abc import Iterator

import click
import requests

from bench.contenders import servers
from bench.machine import kafka_broker
from bench.machine.kafka_broker import Headers
from bench.machine.workspace import Workspace, a_workspace
from bench.measures.rounds import Progress
from bench.measures.spread import Spread

PARTITIONS = 3
KEYS = 100
FIRST_STEP_SECONDS = 0.01
"""Between two looks whether it has begun: in a longer one a short topic is stored to its end, and
without any thousands of connections a second would be made and be refused.
"""
STEP_SECONDS = 0.25
PATIENCE_SECONDS = 300.0
_STORED = re.compile(r'audit_service_events_total\{outcome="stored"\} ([\d.e+]+)')


@click.command(context_settings={"show_default": True})
@click.option("--events", default=200_000, help="How many are in the topic.")
@click.option("--rounds", default=1, help="How often it is measured.")
def main(events: int, rounds: int) -> None:
    """Print how many events a second a consumer stores."""
    if not kafka_broker.is_there():
        sys.exit(kafka_broker.HOW_TO_GET_IT)
    with a_workspace() as workspace:
        rates = measure(workspace, events, rounds, lambda line: click.echo(line, err=True))
    click.echo(
        f"{rates.text()} events/s from topic to disk ({events:,} events, 1 consumer, SQLite)"
    )


def measure(workspace: Workspace, events: int, rounds: int, progress: Progress) -> Spread:
    """Events a second, each round with a topic and a database of its own."""
    progress("from a Kafka topic")
    with kafka_broker.running() as broker:
        return Spread(tuple(_measured(workspace, broker, events) for _ in range(rounds)))


def _measured(workspace: Workspace, broker: str, events: int) -> float:
    topic = kafka_broker.filled_topic(broker, PARTITIONS, _messages(events))
    with workspace.folder() as folder:
        settings = {
            "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{folder}/events.db",
            "AUDIT_SERVICE_KAFKA": f"kafka://{broker}/{topic}",
            "AUDIT_SERVICE_KAFKA_GROUP": f"group-{uuid.uuid4().hex}",
        }
        bind = "AUDIT_SERVICE_CONSUMER_BIND"
        with servers.our_server(
            workspace, "audit-service consume", bind, settings, workers=1
        ) as consumer:
            return _rate(consumer.url, events)


def _messages(count: int) -> Iterator[tuple[str, Headers]]:
    """Small events in binary mode, with their keys."""
    for number in range(count):
        yield (
            str(number % KEYS),
            [
                ("ce_id", str(number).encode()),
                ("ce_source", b"/benchmark"),
                ("ce_type", b"test.event"),
                ("ce_specversion", b"1.0"),
                ("ce_time", b"2026-01-01T00:00:00Z"),
                ("content-type", b"application/json"),
            ],
        )


def _rate(url: str, events: int) -> float:
    """Raises TimeoutError, and ValueError where they are too few to be timed."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    first, began = _wait_for(url, 1, FIRST_STEP_SECONDS, deadline), time.perf_counter()
    if first >= events:
        raise ValueError(f"all {events:,} events were stored before the clock ran: take more")
    _wait_for(url, events, STEP_SECONDS, deadline)
    return (events - first) / (time.perf_counter() - began)


def _wait_for(url: str, events: int, step: float, deadline: float) -> float:
    """How many are stored, once it is so many. Raises TimeoutError."""
    while (stored := _stored(url)) < events:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{stored:,.0f} of {events:,} events were stored")
        time.sleep(step)
    return stored


def _stored(url: str) -> float:
    found = _STORED.search(requests.get(f"{url}/metrics", timeout=5).text)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    main()
