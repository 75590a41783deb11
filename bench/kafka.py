"""Events a second from a Kafka topic to the disk: `python -m bench.kafka`.

A topic of three partitions is filled; then one consumer stores it in SQLite. The clock runs
from its first commit to its last, so that joining the group does not count.
"""

import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from tests import kafka
from tests.audit.topics import Consuming, Topic

PARTITIONS = 3
STEP_SECONDS = 0.25
QUEUE = 50_000  # fewer than librdkafka lets wait
_STORED = re.compile(r'audit_service_events_total\{outcome="stored"\} ([\d.e+]+)')


@click.command(context_settings={"show_default": True})
@click.option("--events", default=200_000, help="How many are in the topic.")
def main(events: int) -> None:
    """Print how many events a second a consumer stores."""
    if not kafka.is_there():
        sys.exit(kafka.HOW_TO_GET_IT)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=".", prefix=".bench-")))
        topic = Topic(_broker(stack), PARTITIONS)
        for number in range(events):
            topic.event(str(number), key=str(number % 100), time="2026-01-01T00:00:00Z")
            if number % QUEUE == 0:
                topic.flush()
        topic.flush()
        consuming = stack.enter_context(Consuming(folder.resolve(), topic.url))
        rate = _rate(consuming, events)
    click.echo(f"{rate:,.0f} events/s from topic to disk ({events:,} events, 1 consumer, SQLite)")


def _broker(stack: ExitStack) -> kafka.Broker:
    if kafka.ELSEWHERE:
        return kafka.Broker(kafka.ELSEWHERE)
    return stack.enter_context(kafka.running())


def _rate(consuming: Consuming, events: int) -> float:
    first = 0.0
    while not first:
        first, began = _stored(consuming), time.perf_counter()
    stored = first
    while stored < events:
        time.sleep(STEP_SECONDS)
        stored = _stored(consuming)
    return (events - first) / (time.perf_counter() - began)


def _stored(consuming: Consuming) -> float:
    found = _STORED.search(consuming.metrics())
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    main()
