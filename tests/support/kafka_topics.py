"""Topic that a test writes to, and what its consumer group has committed."""

from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import Consumer, Producer, TopicPartition

from service_kit.kafka import topic_url
from tests.support.kafka import Broker

Headers = Sequence[tuple[str, bytes | None]]


class Topic:
    """A topic of a broker, and a producer that fails where something is not acknowledged."""

    def __init__(self, broker: Broker, partitions: int = 3, **config: str) -> None:
        self.broker = broker
        self.partitions = partitions
        self.name = broker.new_topic(partitions, **config)
        self.url = f"kafka://{broker.address}/{self.name}"
        self._producer = Producer({**broker.client, "linger.ms": 5, "enable.idempotence": True})

    def send(
        self,
        headers: Headers = (),
        value: bytes | None = None,
        key: str | None = None,
        partition: int = -1,
    ) -> None:
        """Queue a message; `flush` waits until all are acknowledged."""
        self._producer.produce(
            self.name, value, key, partition, headers=list(headers), on_delivery=_acknowledged
        )
        self._producer.poll(0)

    def event(self, event_id: str, key: str | None = None, **attributes: str) -> None:
        """Queue a small event in binary mode."""
        self.send(headers_of(event_id, **attributes), b'{"a":1}', key)

    def events(self, numbers: Iterable[int], users: int = 7) -> None:
        """Send an event for each, its id the number, by turns of so many users."""
        for n in numbers:
            user = f"user {n % users}"
            self.event(str(n), key=user, subject=user)
        self.flush()

    def flush(self) -> None:
        """Return once all that was queued is acknowledged."""
        assert self._producer.flush(90) == 0


def _acknowledged(error: object, _message: object) -> None:
    assert error is None, error


def headers_of(event_id: str, **attributes: str) -> list[tuple[str, bytes | None]]:
    """The headers of an event in binary mode."""
    given: Mapping[str, str] = {
        "id": event_id,
        "source": "/kafka-tests",
        "type": "test.event",
        "specversion": "1.0",
        **attributes,
    }
    headers: list[tuple[str, bytes | None]] = [(f"ce_{n}", v.encode()) for n, v in given.items()]
    return [*headers, ("content-type", b"application/json")]


def group_of(url: str) -> str:
    """The consumer group that reads the topic at a URL: one of its own."""
    return f"group-of-{topic_url.parse(url).topic}"


def committed(topic: Topic) -> dict[int, int]:
    """The offsets that the group has committed, by partition."""
    client = Consumer({**topic.broker.client, "group.id": group_of(topic.url)})
    try:
        asked = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        return {each.partition: each.offset for each in client.committed(asked, timeout=20)}
    finally:
        client.close()
