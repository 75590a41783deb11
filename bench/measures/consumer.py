"""Events a second from a Kafka topic to the disk: `python -m bench.measures.consumer`.

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

from bench.contenders.framework_environment import CACHE
from bench.measures.rates import Spread
from bench.report.markdown import spread
from tests.support import kafka
from tests.support.consumer_process import ConsumerProcess
from tests.support.kafka_topics import Topic

PARTITIONS = 3
STEP_SECONDS = 0.25
PATIENCE_SECONDS = 300.0
QUEUE = 50_000  # fewer than librdkafka lets wait
_STORED = re.compile(r'audit_service_events_total\{outcome="stored"\} ([\d.e+]+)')


@click.command(context_settings={"show_default": True})
@click.option("--events", default=200_000, help="How many are in the topic.")
@click.option("--rounds", default=1, help="How often it is measured.")
def main(events: int, rounds: int) -> None:
    """Print how many events a second a consumer stores."""
    if not kafka.is_there():
        sys.exit(kafka.HOW_TO_GET_IT)
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="kafka-") as folder:
        rates = measure(Path(folder).resolve(), events, rounds=rounds)
    click.echo(
        f"{spread(rates)} events/s from topic to disk ({events:,} events, 1 consumer, SQLite)"
    )


def measure(folder: Path, events: int, *, rounds: int) -> Spread:
    """Events a second, each round with a topic and a database of its own."""
    with ExitStack() as stack:
        broker = _broker(stack)
        return Spread(tuple(_measured(broker, folder, events, n) for n in range(rounds)))


def _measured(broker: kafka.Broker, folder: Path, events: int, number: int) -> float:
    topic = Topic(broker, PARTITIONS)
    for n in range(events):
        topic.event(str(n), key=str(n % 100), time="2026-01-01T00:00:00Z")
        if n % QUEUE == 0:
            topic.flush()
    topic.flush()
    own = folder / str(number)
    own.mkdir()
    with ConsumerProcess(own, topic.url) as consumer:
        return _rate(consumer, events)


def _broker(stack: ExitStack) -> kafka.Broker:
    if kafka.ELSEWHERE:
        return kafka.Broker(kafka.ELSEWHERE)
    return stack.enter_context(kafka.running())


def _rate(consumer: ConsumerProcess, events: int) -> float:
    first = 0.0
    while not first:
        first, began = _stored(consumer), time.perf_counter()
    stored = first
    while stored < events:
        if time.perf_counter() > began + PATIENCE_SECONDS:
            raise TimeoutError(f"{stored:,.0f} of {events:,} events were stored")
        time.sleep(STEP_SECONDS)
        stored = _stored(consumer)
    return (events - first) / (time.perf_counter() - began)


def _stored(consumer: ConsumerProcess) -> float:
    found = _STORED.search(consumer.metrics())
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    main()
