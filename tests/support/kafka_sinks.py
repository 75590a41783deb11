"""Sinks and batch senders to Kafka topics, for tests of faults."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service_kit.clock import now
from service_kit.kafka import topic_url
from tests.support.kafka import Broker, OwnBroker
from user_service.sinks.cloudevents import CloudEvent, describe
from user_service.sinks.kafka import KafkaBatchSender, KafkaSink
from user_service.sinks.kafka_producer import Producer
from user_service.sinks.kafka_topic import options_of
from user_service.sinks.sink import Attempt
from user_service.users.domain import ChangeKind, User, UserChange


def event_of(user_id: str = "u", version: int = 1, source: str = "/source") -> CloudEvent:
    user = User(user_id, "Ozzy", version, now(), now())
    return describe(UserChange(ChangeKind.CREATED, user, user.created_at), source)


def within(seconds: float) -> Attempt:
    """An attempt with so long to go."""
    return Attempt(time.monotonic() + seconds)


def producer_to(broker: Broker, topic: str, parameters: str = "") -> Producer:
    """A producer whose messages live for half a minute: what ends before is ended by us."""
    url = topic_url.parse(f"kafka://{broker.address}/{topic}{parameters}")
    return Producer(url.topic, options_of(url, {}, seconds=30, linger_ms=0))


def sink_to(broker: Broker, topic: str, parameters: str = "") -> KafkaSink:
    return KafkaSink(producer_to(broker, topic, parameters), "binary")


def batch_sender_to(broker: Broker, topic: str, parameters: str = "") -> KafkaBatchSender:
    return KafkaBatchSender(producer_to(broker, topic, parameters), "binary")


def ids_in(broker: Broker, topic: str) -> list[str]:
    """The ids of a topic's events, partition by partition."""
    return [(kept.headers["ce_id"] or b"").decode() for kept in broker.messages(topic)]


@contextmanager
def hanging(broker: OwnBroker) -> Iterator[None]:
    """The broker takes what is sent to it and does nothing; it may be killed meanwhile."""
    pid = broker.pid
    os.kill(pid, signal.SIGSTOP)
    wait_until_stopped(pid)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def wait_until_stopped(pid: int) -> None:
    """Return once all threads are: on a busy machine one goes on for a while."""
    deadline = time.monotonic() + 10
    while not all(
        stat.read_text().rpartition(")")[2].split()[0] == "T"
        for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    ):
        assert time.monotonic() < deadline
        time.sleep(0.001)
