"""Consumer and broker, killed at the worst moments: nothing is lost or stored twice.

A few times each, unless FAULTS=full.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.support.consumer_process import ConsumerProcess, in_order
from tests.support.kafka import Broker, OwnBroker
from tests.support.kafka_topics import Topic, committed

FULL = os.environ.get("FAULTS") == "full"
CONSUMER_KILLS = 100 if FULL else 4
BROKER_KILLS = 10 if FULL else 1
# A member of its own name is let back in at once, and not after its session has lapsed.
STATIC = "group.instance.id=one"

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800 if FULL else 170)]


def test_a_consumer_killed_between_store_and_commit_stores_each_event_once(
    kafka_broker: Broker, tmp_path: Path
) -> None:
    """It keeps what is no event before it commits, and is killed while it cannot."""
    topic = Topic(kafka_broker, partitions=1)
    consumer = ConsumerProcess(tmp_path, f"{topic.url}?{STATIC}")
    with consumer:
        pass  # The log is there.
    each = 60
    for kill in range(CONSUMER_KILLS):
        topic.events(range(kill * each, (kill + 1) * each), users=5)
        topic.send(value=b"no event")
        topic.flush()
        with consumer.cannot_keep_rejected(), consumer:
            consumer.wait_for((kill + 1) * each)
            assert committed(topic)[0] < len(consumer.stored()) + kill
    total = CONSUMER_KILLS * each
    with consumer:
        consumer.wait_until(lambda: consumer.lag() == 0)
    assert sorted(map(int, consumer.ids())) == list(range(total))
    assert [record.position for record in consumer.stored()] == list(range(1, total + 1))
    assert len(consumer.rejected()) == CONSUMER_KILLS
    in_order(consumer)


class Load:
    """Sends events inside a `with` block, whatever happens to the broker."""

    def __init__(self, topic: Topic) -> None:
        self.sent = 0
        self._topic = topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._topic.flush()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            user = f"user {self.sent % 5}"
            self._topic.event(str(self.sent), key=user, subject=user)
            self.sent += 1


@pytest.fixture
def running(frail_broker: OwnBroker, tmp_path: Path) -> Iterator[tuple[Topic, ConsumerProcess]]:
    # What was acknowledged is on the one broker's disk: it has no replica to have it from.
    topic = Topic(frail_broker, flush_messages="1")
    with ConsumerProcess(tmp_path, f"{topic.url}?{STATIC}") as consumer:
        yield topic, consumer


def test_a_broker_killed_under_load_costs_no_event(running: tuple[Topic, ConsumerProcess]) -> None:
    topic, consumer = running
    broker = topic.broker
    assert isinstance(broker, OwnBroker)
    with Load(topic) as load:
        for _ in range(BROKER_KILLS):
            stored = len(consumer.stored())
            consumer.wait_for(stored + 100)
            broker.stop("KILL")
            broker.start()
        stored = len(consumer.stored())
        consumer.wait_for(stored + 100)
    consumer.wait_for(load.sent)
    consumer.wait_until(lambda: consumer.lag() == 0)
    consumer.wait_until(lambda: consumer.ready()[0] == 200)
    assert sorted(map(int, consumer.ids())) == list(range(load.sent))
    in_order(consumer)


def test_a_consumer_without_a_broker_is_not_ready_and_stops_in_time(
    running: tuple[Topic, ConsumerProcess],
) -> None:
    topic, consumer = running
    broker = topic.broker
    assert isinstance(broker, OwnBroker)
    topic.events(range(10), users=5)
    consumer.wait_for(10)
    broker.stop("KILL")
    try:
        consumer.wait_until(lambda: consumer.ready()[1]["checks"]["broker"] == "failing")
        consumer.terminate(10)
    finally:
        broker.start()
    assert len(consumer.stored()) == 10
