"""Client of Kafka, with options by which it skips nothing and commits nothing by itself."""

from typing import Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from audit_service.settings import Settings
from service_kit.kafka import client_log
from service_kit.kafka.client_secrets import secrets_of
from service_kit.kafka.topic_url import TopicUrl

# Reconnect in seconds to a broker that is back.
_RECONNECT: Final = {"reconnect.backoff.max.ms": 2_000}


class BadClient(Exception):
    """librdkafka refuses an option; the message says which."""


def create(url: TopicUrl, settings: Settings) -> Consumer:
    """A client of the topic's cluster, not yet subscribed. Raises BadClient."""
    options = {
        # What waits to be processed, at most; a fetch of 500 messages cannot be larger.
        "queued.max.messages.kbytes": 32 * 1024,
        # See a topic that is made after the start in seconds.
        "topic.metadata.refresh.interval.ms": 10_000,
        "check.crcs": True,
        **_RECONNECT,
        "client.id": "audit-service",
        **url.client(secrets_of(settings)),
        "group.id": settings.kafka_group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # An offset that the broker no longer has is an error, and never a reason to skip.
        "auto.offset.reset": "error",
    }
    if options.get("group.protocol") != "consumer":
        # A member that joins or leaves interrupts only the partitions that move.
        options["partition.assignment.strategy"] = "cooperative-sticky"
    try:
        return Consumer(options, logger=client_log.logger())
    except KafkaException as error:
        raise BadClient(error.args[0].str()) from error


def admin(url: TopicUrl, settings: Settings) -> AdminClient:
    """A client for asking, with connections of its own; what goes wrong it raises."""
    secrets = secrets_of(settings)
    return AdminClient({**_RECONNECT, **url.client(secrets), "log_level": 0})
