"""Sinks: where events go, by URL. The rest of the service cannot tell which kind a sink is.

sink               what every sink does; attempt, outcome, fault
cloudevents        the events themselves
http               HTTP sink; http_connection, http_status, sink_token: what it consists of
kafka              Kafka sink; kafka_producer, kafka_errors: its client and errors
kafka_topic        the topic that the settings name
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service_kit.kafka.topic_url import SCHEME
from user_service.settings import Settings
from user_service.sinks.http import HttpBatchSender, HttpSink
from user_service.sinks.sink import BatchSender, OpenSink
from user_service.sinks.sink_token import sink_token

if TYPE_CHECKING:
    from user_service.sinks.kafka_topic import KafkaTopic


class WrongOptions(Exception):
    """librdkafka refuses the options in the sink's URL; the message says why."""


def open_sink(settings: Settings) -> OpenSink:
    """The sink for single events. It connects when it is used.

    MUST NOT be called before a fork.
    """
    topic = _topic(settings)
    return topic.open_sink() if topic else HttpSink(settings.sink, sink_token(settings))


def open_batch_sender(settings: Settings) -> BatchSender:
    """The batch sender to that sink, for the relay. It connects when it is used.

    MUST NOT be called before a fork.
    """
    topic = _topic(settings)
    if topic:
        return topic.open_batch_sender()
    return HttpBatchSender(
        settings.sink,
        sink_token(settings),
        max_batch=settings.sink_batch,
        connections=settings.relay_connections,
    )


def check(settings: Settings) -> None:
    """Check the sink's options; connects to nothing. Raises WrongOptions."""
    topic = _topic(settings)
    reason = topic.invalid_options() if topic else None
    if reason:
        raise WrongOptions(reason)


def _topic(settings: Settings) -> "KafkaTopic | None":
    """The topic of a kafka:// sink; None for an HTTP sink."""
    if urlsplit(settings.sink).scheme != SCHEME:
        return None
    # confluent_kafka takes 0.1 s to import, which an HTTP sink saves.
    from user_service.sinks.kafka_topic import KafkaTopic  # noqa: PLC0415 - see above

    return KafkaTopic(settings)
