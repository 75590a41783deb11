"""URL of a Kafka topic.

    kafka://HOST[:PORT][,HOST[:PORT]…]/TOPIC[?NAME=VALUE[&NAME=VALUE…]]

The parameters are options of librdkafka, TLS and SASL among them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

SCHEME: Final = "kafka"
DEFAULT_PORT: Final = 9092
# The services' promises hang on these options: a URL may not change them.
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


@dataclass(frozen=True)
class TopicUrl:
    """A topic of a cluster. `servers`: `host:port`, comma-separated, as librdkafka takes them.

    `options`: of librdkafka, by name; not shown, since they may hold passwords.
    """

    servers: str
    topic: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def client(self, secrets: Mapping[str, str] | None = None) -> dict[str, str | int | float]:
        """Options for any client of librdkafka, with those of `secrets` that are not empty."""
        given = {name: value for name, value in (secrets or {}).items() if value}
        return {"bootstrap.servers": self.servers, **self.options, **given}


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
