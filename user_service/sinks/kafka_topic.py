"""A sink and a carrier to a Kafka topic, by the settings; a look is taken at the topic."""

from collections.abc import Mapping

import confluent_kafka
from confluent_kafka import KafkaException

from service_kit.kafka import topic_url
from user_service.settings import Settings
from user_service.sinks import kafka_standing
from user_service.sinks.kafka import KafkaCarrier, KafkaSink
from user_service.sinks.kafka_producer import Producer, options_of

# The relay has many messages at hand: a batch is worth a few milliseconds.
_BATCHING_MS = 5


def open_sink(settings: Settings) -> KafkaSink:
    """The sink for single events; a look is taken at its topic."""
    producer = _producer(settings, settings.delivery_timeout, linger_ms=0)
    return KafkaSink(producer, settings.kafka_mode)


def open_carrier(settings: Settings) -> KafkaCarrier:
    """The relay's; likewise."""
    producer = _producer(settings, settings.relay_timeout, linger_ms=_BATCHING_MS)
    return KafkaCarrier(producer, settings.kafka_mode)


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
    kafka_standing.look(topic, secrets, producer)
    return producer


def _secrets(settings: Settings) -> Mapping[str, str]:
    return {
        "sasl.password": settings.kafka_password.get_secret_value(),
        "ssl.key.password": settings.kafka_key_password.get_secret_value(),
    }
