"""Settings of the user service."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict
from rfc3986_validator import validate_rfc3986

from service_kit import database_url
from service_kit.access import token_text
from service_kit.kafka import topic_url
from service_kit.kafka.client_secrets import KeyPassword, SaslPassword
from service_kit.settings.base import ServiceSettings
from service_kit.settings.bind_address import BindAddress
from user_service.users.passwords import PASSWORD_MAX_LENGTH

HTTP_SCHEMES = ("http", "https")


def _sink(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme == topic_url.SCHEME:
        topic_url.parse(text)
        return text
    # `port` raises ValueError where it is none.
    fit = parts.scheme in HTTP_SCHEMES and parts.hostname and parts.port != 0
    if not fit or re.search(r"\s", text):
        raise ValueError(
            "must be a URL like http://localhost:8080/ or kafka://127.0.0.1:9092/audit"
        )
    return text


def _database_url(text: str) -> str:
    database_url.parse(text)
    return text


def _token(text: SecretStr) -> SecretStr:
    if not token_text.can_be_sent(text.get_secret_value()):
        raise ValueError("must be a token: characters of ASCII without spaces")
    return text


def _uri_reference(text: str) -> str:
    if not text or not validate_rfc3986(text, rule="URI_reference"):
        raise ValueError("must be a URI-reference (RFC 3986)")
    return text


class Settings(ServiceSettings):
    """The settings, each from the variable of its name with `USER_SERVICE_` before it."""

    model_config = SettingsConfigDict(env_prefix="USER_SERVICE_")

    bind: BindAddress = Field(
        default="127.0.0.1:3000", description="Address to listen on, `host:port`"
    )
    threads: int = Field(
        default=16,
        ge=4,
        le=256,
        description="How many requests a worker answers at once, three quarters of them changes; "
        "as many changes more may wait in it for their turn",
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default="sqlite:///data/users.db",
        validation_alias=AliasChoices("USER_SERVICE_DATABASE_URL", "DATABASE_URL"),
        description="Where the users are: SQLite, or PostgreSQL by its URL",
    )
    database_password: SecretStr = Field(
        default=SecretStr(""), description="The database's password, where the URL has none"
    )
    sink: Annotated[str, AfterValidator(_sink)] = Field(
        default="http://localhost:8080/",
        validation_alias=AliasChoices("USER_SERVICE_SINK", "K_SINK"),
        description="Where the events go: `http://`, `https://`, or a topic, "
        "`kafka://HOST:PORT/TOPIC`, with options of librdkafka as parameters",
    )
    sink_token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        default=SecretStr(""), description="The token that an HTTP sink asks for"
    )
    sink_token_file: str = Field(
        default="", description="The file that it is in, in its place; read again when it changes"
    )
    kafka_mode: Literal["binary", "structured"] = Field(
        default="binary", description="Content mode of the events in a topic"
    )
    kafka_password: SaslPassword = SecretStr("")
    kafka_key_password: KeyPassword = SecretStr("")
    delivery: Literal["direct", "outbox"] = Field(
        default="direct",
        description="In which order a change and its event happen; `direct`: a change is stored "
        "once the sink has acknowledged its event; `outbox`: both are stored at once, and "
        "`user-service relay` delivers",
    )
    delivery_timeout: float = Field(
        default=2.5,
        gt=0,
        le=15,
        description="Seconds from a request's arrival within which the sink must acknowledge",
    )
    sink_batch: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="The most events that the relay sends in one request, as a batch; 1: each by "
        "itself, in binary mode; more only to a sink that is known to read batches",
    )
    outbox_max: int = Field(
        default=100_000,
        ge=1,
        description="The most events that may wait in the outbox; past it a change is answered 503",
    )
    dead_letters_max: int = Field(
        default=10_000,
        ge=1,
        description="The most dead letters; past it the relay pauses and makes no more of them",
    )
    outbox_keep_hours: float = Field(
        default=0,
        ge=0,
        le=24 * 365,
        description="Hours for which the outbox keeps events that were delivered",
    )
    relay_bind: BindAddress = Field(
        default="127.0.0.1:3001",
        description="Address of the relay's `/livez`, `/readyz` and `/metrics`",
    )
    relay_connections: int = Field(
        default=8, ge=1, le=256, description="Connections on which the relay sends at once"
    )
    relay_timeout: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Seconds within which the sink must acknowledge what the relay sends",
    )
    relay_lease_seconds: float = Field(
        default=5,
        ge=0.5,
        le=60,
        description="Seconds without a sign of life after which another relay takes over",
    )
    relay_pause_seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="Seconds between two probes of a sink that answers as if it were none",
    )
    relay_give_up_hours: float = Field(
        default=24,
        gt=0,
        le=24 * 365,
        description="Hours of trying, while others get through, after which an event becomes a "
        "dead letter",
    )
    event_source: Annotated[str, AfterValidator(_uri_reference)] = Field(
        default="github.com/eminetto/post-cloudevents", description="`source` of the events"
    )
    idempotency_hours: float = Field(
        default=24,
        ge=1,
        le=24 * 365,
        description="Hours for which an `Idempotency-Key` is known",
    )
    password_min_length: int = Field(
        default=1, ge=1, le=PASSWORD_MAX_LENGTH, description="The fewest characters of a password"
    )
    argon2_memory_kib: int = Field(
        default=19456, ge=8, le=4 * 1024 * 1024, description="Memory of one password hash, in KiB"
    )
    argon2_iterations: int = Field(
        default=2, ge=1, le=100, description="Passes of one password hash"
    )

    @property
    def waiting_requests(self) -> int:
        """How many changes may wait to be admitted."""
        return self.threads

    @property
    def sink_origin(self) -> str:
        """The sink's URL without what could be secret in it: user, path and query."""
        parts = urlsplit(self.sink)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
