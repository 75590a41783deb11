"""Kafka topic of the settings: opens sinks to it, and warns of what could lose an event in it."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import confluent_kafka
import structlog
from confluent_kafka import KafkaException

from service_kit.kafka import topic_config, topic_url
from service_kit.kafka.client_secrets import secrets_of
from service_kit.kafka.topic_config import TopicUnreadable
from service_kit.kafka.topic_url import TopicUrl
from user_service.settings import Settings
from user_service.sinks.kafka import KafkaBatchSender, KafkaSink
from user_service.sinks.kafka_producer import Producer
from user_service.sinks.sink import Attempt, NotDelivered

log = structlog.get_logger()

READ_SECONDS = 10.0
RETRY_SECONDS = 30.0

# The relay has many messages at hand: a fuller request is worth a few milliseconds.
_BATCH_LINGER_MS = 5


class KafkaTopic:
    """The topic that the sink's URL names. Each sink has a producer of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = topic_url.parse(settings.sink)
        self._secrets = secrets_of(settings)

    def open_sink(self) -> KafkaSink:
        """A sink for single events."""
        producer = self._open_producer(self._settings.delivery_timeout, linger_ms=0)
        return KafkaSink(producer, self._settings.kafka_mode)

    def open_batch_sender(self) -> KafkaBatchSender:
        """A batch sender for the relay."""
        producer = self._open_producer(self._settings.relay_timeout, linger_ms=_BATCH_LINGER_MS)
        return KafkaBatchSender(producer, self._settings.kafka_mode)

    def invalid_options(self) -> str | None:
        """Why librdkafka refuses the URL's options, in its words; None where it does not."""
        options = options_of(self._url, self._secrets, seconds=1, linger_ms=0)
        # The discard port: the client is gone again before it could connect to anything.
        nowhere = {"bootstrap.servers": "127.0.0.1:9", "log_level": 0}
        try:
            confluent_kafka.Producer({**options, **nowhere})
        except KafkaException as error:
            return str(error.args[0].str())
        return None

    def _open_producer(self, seconds: float, *, linger_ms: int) -> Producer:
        options = options_of(self._url, self._secrets, seconds=seconds, linger_ms=linger_ms)
        producer = Producer(self._url.topic, options)
        # In a thread of its own, as long as the producer is open: absent brokers delay nothing.
        name = f"look at {self._url.topic}"
        threading.Thread(target=self._look, args=(producer,), name=name, daemon=True).start()
        return producer

    def _look(self, producer: Producer) -> None:
        """Connect, so that the first event need not wait for it; log what could lose an event."""
        with suppress(NotDelivered):
            producer.find_topic(Attempt(time.monotonic() + READ_SECONDS))
        client, topic = self._url.client(self._secrets), self._url.topic
        said = False
        while not producer.closing.is_set():
            try:
                topic_config.log_durability_risks(client, topic, READ_SECONDS)
            except TopicUnreadable as error:
                if not said:
                    log.warning("the topic cannot be looked at", topic=topic, reason=str(error))
                said = True
                producer.closing.wait(RETRY_SECONDS)
            else:
                return


def options_of(
    topic: TopicUrl, secrets: Mapping[str, str], *, seconds: float, linger_ms: float
) -> dict[str, Any]:
    """librdkafka's options for a producer whose messages time out after `seconds`.

    The URL's options win over the usual ones, and those that the service's promises hang on over
    both.
    """
    return {
        "client.id": "user-service",
        "log_level": 4,
        "linger.ms": linger_ms,
        # A broker that is back is found within a second, not ten.
        "reconnect.backoff.max.ms": 1000,
        **topic.client(secrets),
        "enable.idempotence": True,
        "acks": "all",
        "delivery.timeout.ms": max(1, round(seconds * 1000)),
    }
