"""A sink and a batch sender to a Kafka topic, by the settings; a look is taken at the topic."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import confluent_kafka
import structlog
from confluent_kafka import KafkaException

from service_kit.kafka import topic_url
from service_kit.kafka.topic_url import TopicConfig, TopicUnreadable, TopicUrl
from user_service.settings import Settings
from user_service.sinks.kafka import KafkaBatchSender, KafkaSink
from user_service.sinks.kafka_producer import Producer, options_of
from user_service.sinks.sink import Attempt, NotDelivered

log = structlog.get_logger()

LOOK_SECONDS = 10.0
AGAIN_SECONDS = 30.0

# The relay has many messages at hand: a batch is worth a few milliseconds.
_BATCHING_MS = 5


def open_sink(settings: Settings) -> KafkaSink:
    """The sink for single events; a look is taken at its topic."""
    producer = _producer(settings, settings.delivery_timeout, linger_ms=0)
    return KafkaSink(producer, settings.kafka_mode)


def open_batch_sender(settings: Settings) -> KafkaBatchSender:
    """The relay's; likewise."""
    producer = _producer(settings, settings.relay_timeout, linger_ms=_BATCHING_MS)
    return KafkaBatchSender(producer, settings.kafka_mode)


def wrong_options(settings: Settings) -> str | None:
    """What librdkafka has against the options, in its words; None where nothing."""
    topic = topic_url.parse(settings.sink)
    options = options_of(topic, _secrets(settings), seconds=1, linger_ms=0)
    try:
        # To the discard port: it is gone again before it could connect to anything.
        confluent_kafka.Producer({**options, "bootstrap.servers": "127.0.0.1:9", "log_level": 0})
    except KafkaException as error:
        return str(error.args[0].str())
    return None


def _producer(settings: Settings, seconds: float, *, linger_ms: int) -> Producer:
    topic, secrets = topic_url.parse(settings.sink), _secrets(settings)
    options = options_of(topic, secrets, seconds=seconds, linger_ms=linger_ms)
    producer = Producer(topic.topic, options)
    _look_at(topic, secrets, producer)
    return producer


def _secrets(settings: Settings) -> Mapping[str, str]:
    return {
        "sasl.password": settings.kafka_password.get_secret_value(),
        "ssl.key.password": settings.kafka_key_password.get_secret_value(),
    }


def _look_at(topic: TopicUrl, secrets: Mapping[str, str], producer: Producer) -> None:
    """Connect, so that the first event need not wait for it, and log what could lose a message.

    In a thread of its own, for as long as the producer is in use: brokers that are away delay
    nothing.
    """
    looking = threading.Thread(
        target=_look_until_seen,
        args=(topic, secrets, producer),
        name=f"look at {topic.topic}",
        daemon=True,
    )
    looking.start()


def _look_until_seen(topic: TopicUrl, secrets: Mapping[str, str], producer: Producer) -> None:
    with suppress(NotDelivered):
        producer.find(Attempt(time.monotonic() + LOOK_SECONDS))
    config: TopicConfig | None = None
    said = False
    while config is None and not producer.closing.is_set():
        try:
            config = topic_url.read_topic_config(topic.client(secrets), topic.topic, LOOK_SECONDS)
        except TopicUnreadable as error:
            if not said:
                reason = str(error)
                log.warning("the topic cannot be looked at", topic=topic.topic, reason=reason)
            said = True
            producer.closing.wait(AGAIN_SECONDS)
    if config is not None:
        _warn(topic.topic, topic_url.durability_risks(config))


def _warn(topic: str, durability_risks: Sequence[str]) -> None:
    if durability_risks:
        log.warning("an acknowledged event could be lost", topic=topic, because=durability_risks)
