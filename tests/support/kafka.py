"""A Kafka broker for the tests: the one that TEST_KAFKA names, or one of the test run's own."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.ports import free_port

TOOLS = Path(__file__).parents[3] / "shared" / "kafka"
ELSEWHERE = os.environ.get("TEST_KAFKA", "")
HOW_TO_GET_IT = "needs a Kafka broker: name one by TEST_KAFKA=host:port"
HOW_TO_GET_ONE_TO_KILL = "needs a Kafka broker that may be killed: ../shared/kafka/kafka-up"
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Kept:
    """A message as a broker has it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]


class Broker:
    """A broker, and what a test wants of it."""

    def __init__(self, address: str) -> None:
        self.address = address

    @property
    def client(self) -> dict[str, str | int | float | bool]:
        """What a client of it is made with."""
        return {"bootstrap.servers": self.address, "log_level": 0}

    def new_topic(self, partitions: int = 3, **config: str) -> str:
        """The name of a new topic; `config` with `_` for the dots."""
        name = f"test-{uuid.uuid4().hex}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        topic = NewTopic(name, partitions, 1, config=settings)
        admin = AdminClient(dict(self.client))
        admin.create_topics([topic])[name].result(PATIENCE_SECONDS)
        return name

    def messages(self, topic: str) -> list[Kept]:
        """All that a topic holds now, partition by partition."""
        consumer = Consumer({**self.client, "group.id": "tests", "enable.partition.eof": True})
        try:
            partitions = consumer.list_topics(topic, PATIENCE_SECONDS).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            return _read(consumer, len(partitions))
        finally:
            consumer.close()


def _read(consumer: Consumer, partitions: int) -> list[Kept]:
    found: list[Kept] = []
    ended = 0
    while ended < partitions:
        message = consumer.poll(PATIENCE_SECONDS)
        assert message is not None, "the broker tells no end of a partition"
        error = message.error()
        if error is None:
            headers = dict(message.headers() or [])
            found.append(
                Kept(
                    message.partition() or 0,
                    message.offset() or 0,
                    message.key(),
                    message.value(),
                    {k: v.encode() if isinstance(v, str) else v for k, v in headers.items()},
                )
            )
        elif error.name() == "_PARTITION_EOF":
            ended += 1
        else:
            raise KafkaException(error)
    return sorted(found, key=lambda kept: (kept.partition, kept.offset))


class OwnBroker(Broker):
    """A broker on a port of its own, to be killed and started again with what it has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        super().__init__(f"127.0.0.1:{free_port(2)}")

    def start(self) -> None:
        """Return once it serves."""
        self._tool("kafka-up")

    def stop(self, signal: str = "TERM") -> None:
        """Stop it; `KILL`: as in a power cut."""
        self._tool("kafka-down", SIGNAL=signal)

    @property
    def pid(self) -> int:
        return int((self._folder / "broker.pid").read_text())

    def _tool(self, name: str, **environment: str) -> None:
        port = self.address.rpartition(":")[2]
        subprocess.run(
            [str(TOOLS / name), port, str(self._folder)],
            env={**os.environ, **environment},
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )


def is_there() -> bool:
    """Whether there is a broker, or one can be started."""
    return bool(ELSEWHERE) or one_can_be_started()


def one_can_be_started() -> bool:
    """Whether a broker can be started that a test may kill."""
    return (TOOLS / "kafka-up").exists() and shutil.which("java") is not None


@contextmanager
def running() -> Iterator[OwnBroker]:
    """A broker of our own that runs until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        broker = OwnBroker(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.stop("KILL")
