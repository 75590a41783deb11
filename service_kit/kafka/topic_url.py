"""Where a Kafka topic is, as a URL, and what of its configuration could lose a message.

    kafka://HOST[:PORT][,HOST[:PORT]…]/TOPIC[?NAME=VALUE[&NAME=VALUE…]]

The parameters are options of librdkafka, TLS and SASL among them. confluent_kafka is imported
only where it is used: it takes a tenth of a second, and most processes speak no Kafka.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

SCHEME: Final = "kafka"
DEFAULT_PORT: Final = 9092
# What the services' promises hang on is not for a URL to change.
RESERVED: Final = frozenset(
    {
        "acks",
        "auto.offset.reset",
        "bootstrap.servers",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "group.id",
        "metadata.broker.list",
        "partition.assignment.strategy",
        "request.required.acks",
        "transactional.id",
    }
)

_SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:@\[\]/,]+)(?::(\d{1,5}))?")
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
_OPTION = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
_MAX_PORT = 65535
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class TopicUrl:
    """A topic of a cluster. `servers`: `host:port`, comma-separated, as librdkafka takes them.

    `options`: of librdkafka, by name; not shown, since they may hold passwords.
    """

    servers: str
    topic: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def client(self, secrets: Mapping[str, str] | None = None) -> dict[str, str | int | float]:
        """What every client of librdkafka is made with; of `secrets` those that are not empty."""
        given = {name: value for name, value in (secrets or {}).items() if value}
        return {"bootstrap.servers": self.servers, **self.options, **given}


class TopicUnreadable(Exception):
    """The brokers did not tell of the topic; nothing is known of it."""


def parse(url: str) -> TopicUrl:
    """The topic that a URL stands for. Raises ValueError, whose message holds nothing of it."""
    parts = urlsplit(url)
    topic = parts.path.removeprefix("/")
    servers = [_server(text) for text in parts.netloc.split(",")]
    if parts.scheme != SCHEME or None in servers or parts.fragment:
        raise ValueError("must be a URL like kafka://127.0.0.1:9092/topic")
    if not _TOPIC.fullmatch(topic):
        raise ValueError("must name a topic: letters, digits, '.', '_' and '-', 249 at most")
    return TopicUrl(",".join(filter(None, servers)), topic, _options(parts.query))


def _server(text: str) -> str | None:
    match = _SERVER.fullmatch(text)
    if match is None or not 1 <= int(match[2] or DEFAULT_PORT) <= _MAX_PORT:
        return None
    return f"{match[1]}:{match[2] or DEFAULT_PORT}"


def _options(query: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ValueError("has a parameter that is not name=value") from None
    options = dict(pairs)
    if len(options) < len(pairs):
        raise ValueError("has a parameter twice")
    for name in options:
        if not _OPTION.fullmatch(name):
            raise ValueError("has a parameter that is no option of librdkafka")
        if name in RESERVED:
            raise ValueError(f"may not set {name}: what the service promises hangs on it")
    return options


@dataclass(frozen=True)
class TopicConfig:
    """What of a topic's configuration decides how safe a message in it is.

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


def read_topic_config(
    client: Mapping[str, str | int | float], topic: str, timeout: float = 10.0
) -> TopicConfig:
    """How the topic stands now, as its brokers tell within `timeout` seconds.

    `client`: as TopicUrl.client gives it. MUST NOT be called before a fork: librdkafka has
    threads of its own. Raises TopicUnreadable.
    """
    from confluent_kafka import KafkaException, TopicCollection  # noqa: PLC0415
    from confluent_kafka.admin import AdminClient, ConfigResource  # noqa: PLC0415

    # What goes wrong is raised; librdkafka would say it some twenty times a second.
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
