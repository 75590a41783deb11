"""Kafka broker: the one that TEST_KAFKA names, or one of the run's own."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

ELSEWHERE = os.environ.get("TEST_KAFKA", "")
HOW_TO_GET_IT = "needs a Kafka broker: name one by TEST_KAFKA=host:port"
# Next to the repository, where there are means to start a broker at all.
TOOLS = Path(__file__).parents[3] / "shared" / "kafka"
SECONDS_TO_ANSWER = 90.0

Headers = list[tuple[str, str | bytes | None]]


def is_there() -> bool:
    """Whether there is a broker, or one can be started."""
    return bool(ELSEWHERE) or ((TOOLS / "kafka-up").exists() and shutil.which("java") is not None)


@contextmanager
def running() -> Iterator[str]:
    """The address of a broker, which runs until the end of the block at least."""
    if ELSEWHERE:
        yield ELSEWHERE
        return
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        port = str(_two_free_ports())
        _tool("kafka-up", port, folder)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            _tool("kafka-down", port, folder)


def filled_topic(address: str, partitions: int, messages: Iterable[tuple[str, Headers]]) -> str:
    """The name of a new topic that holds small messages; of each: its key and headers."""
    name = f"bench-{uuid.uuid4().hex}"
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": address, "log_level": 0}
    admin = AdminClient(client)  # It is ended with its last reference, and what it does with it.
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(SECONDS_TO_ANSWER)
    producer = Producer({**client, "enable.idempotence": True})
    for key, headers in messages:
        _send(producer, name, key, headers)
    if producer.flush(SECONDS_TO_ANSWER):
        raise TimeoutError(f"not all messages of {name} were acknowledged")
    return name


def _send(producer: Producer, topic: str, key: str, headers: Headers) -> None:
    """Queue a message; where the queue is full, wait until a part of it is acknowledged."""
    while True:
        try:
            producer.produce(topic, b'{"a":1}', key, headers=headers, on_delivery=_acknowledged)
        except BufferError:
            producer.poll(1)
        else:
            producer.poll(0)
            return


def _acknowledged(error: KafkaError | None, _message: Message) -> None:
    if error is not None:
        raise KafkaException(error)


def _tool(name: str, port: str, folder: str) -> None:
    subprocess.run(
        [str(TOOLS / name), port, folder], check=True, stdout=subprocess.DEVNULL, timeout=120
    )


def _two_free_ports() -> int:
    """A port that is free, and the next one too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
