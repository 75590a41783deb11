"""Configuration of a Kafka topic: what of it could lose a message.

confluent_kafka is imported only where it is used: it takes a tenth of a second, and most
processes speak no Kafka.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

_DAY_MS = 24 * 60 * 60 * 1000


class TopicUnreadable(Exception):
    """The brokers did not describe the topic; nothing is known of it."""


@dataclass(frozen=True)
class TopicConfig:
    """The part of a topic's configuration that decides how safe a message in it is.

    `retention_ms`, `retention_bytes`: -1 where nothing is deleted for age or size.
    """

    replicas: int
    min_insync: int
    retention_ms: int
    retention_bytes: int
    compacted: bool
    unclean_election: bool


def durability_risks(config: TopicConfig) -> Sequence[str]:
    """A sentence for each way in which an acknowledged message could be lost."""
    found = {
        f"it has {config.replicas} replica: what is on a broker's disk is lost with it": (
            config.replicas == 1
        ),
        f"min.insync.replicas is {config.min_insync}: a message can be acknowledged by one "
        "broker alone, and be lost with it": config.replicas > 1 and config.min_insync == 1,
        f"retention.ms is {config.retention_ms}: a message is deleted after "
        f"{config.retention_ms / _DAY_MS:.3g} days, read or not": config.retention_ms >= 0,
        f"retention.bytes is {config.retention_bytes}: the oldest messages of a partition "
        "larger than that are deleted, read or not": config.retention_bytes >= 0,
        "cleanup.policy has compact: of the messages of one key only the last is kept": (
            config.compacted
        ),
        "unclean.leader.election.enable is true: a broker that lacks messages may become "
        "their leader": config.unclean_election,
    }
    return [sentence for sentence, holds in found.items() if holds]


def log_durability_risks(
    client: Mapping[str, str | int | float], topic: str, timeout: float = 10.0
) -> None:
    """Read the topic's configuration and warn of each way to lose an acknowledged message.

    As `read_topic_config`, of whose arguments these are. Raises TopicUnreadable.
    """
    for risk in durability_risks(read_topic_config(client, topic, timeout)):
        log.warning("an acknowledged event could be lost", topic=topic, because=risk)


def read_topic_config(
    client: Mapping[str, str | int | float], topic: str, timeout: float = 10.0
) -> TopicConfig:
    """The topic's configuration now, as its brokers give it within `timeout` seconds.

    `client`: as TopicUrl.client gives it. MUST NOT be called before a fork: librdkafka has
    threads of its own. Raises TopicUnreadable.
    """
    from confluent_kafka import KafkaException, TopicCollection
    from confluent_kafka.admin import AdminClient, ConfigResource

    # Errors are raised; librdkafka would log them some twenty times a second.
    admin = AdminClient({**client, "log_level": 0})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        described = admin.describe_topics(TopicCollection([topic]), request_timeout=timeout)
        partitions = described[topic].result(timeout).partitions
        entries = admin.describe_configs([resource], request_timeout=timeout)[resource]
        config = {name: entry.value for name, entry in entries.result(timeout).items()}
    except (KafkaException, TimeoutError) as error:
        raise TopicUnreadable(str(error) or f"no answer within {timeout:g} s") from error
    return TopicConfig(
        replicas=min(len(partition.replicas) for partition in partitions),
        min_insync=int(config["min.insync.replicas"]),
        retention_ms=int(config["retention.ms"]),
        retention_bytes=int(config["retention.bytes"]),
        compacted="compact" in config["cleanup.policy"],
        unclean_election=config["unclean.leader.election.enable"] == "true",
    )
