"""Settings of the audit service."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from audit_service.events import DEFAULT, Tolerances
from audit_service.events.limits import DEFAULT_LIMITS, Limits
from audit_service.events.reader import EventReader
from audit_service.events.tolerance import tolerances_of
from audit_service.evidence.settings import LogSettings
from audit_service.files_beside import OF_INDEX, OF_LOG
from audit_service.log import database_at
from audit_service.log.backend import OWN_SENDER
from service_kit import sqlite_file
from service_kit.database_url import SqliteFile
from service_kit.kafka import topic_url
from service_kit.kafka.client_secrets import KeyPassword, SaslPassword
from service_kit.settings.bind_address import BindAddress

KIB, MIB = 1024, 1024 * 1024
_ORIGIN = r"(?:\*|(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)"
_ORIGINS = f"^(?:{_ORIGIN}(?:,{_ORIGIN})*)?$"
_POSTGRES_INDEX = "data/events-index"


def _kafka_url(text: str) -> str:
    topic_url.parse(text)
    return text


def _kafka_sender(text: str) -> str:
    if text == OWN_SENDER:
        raise ValueError("must not be the name under which the log tells of itself")
    return text


class Settings(LogSettings):
    """The settings, each from the variable of its name with `AUDIT_SERVICE_` before it."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_SERVICE_")

    bind: BindAddress = Field(
        default="127.0.0.1:8080", description="Address to listen on, `host:port`"
    )
    max_event_bytes: int = Field(
        default=DEFAULT_LIMITS.event_bytes,
        ge=64 * KIB,
        le=64 * MIB,
        description="The longest body of a single event",
    )
    max_batch_bytes: int = Field(
        default=DEFAULT_LIMITS.batch_bytes,
        ge=64 * KIB,
        le=256 * MIB,
        description="The longest body of a batch",
    )
    max_batch_events: int = Field(
        default=DEFAULT_LIMITS.batch_events,
        ge=1,
        le=1_000_000,
        description="The most events of a batch",
    )
    max_json_values: int = Field(
        default=DEFAULT_LIMITS.json_values,
        ge=1000,
        le=100_000_000,
        description="The most members and items of JSON, of a batch in all, nested ones included",
    )
    body_memory: int = Field(
        default=64 * MIB,
        ge=MIB,
        le=64 * 1024 * MIB,
        description="Bytes of memory that a worker has for the bodies it reads at once, then 503",
    )
    tolerate: Annotated[Tolerances, NoDecode, BeforeValidator(tolerances_of)] = Field(
        default=DEFAULT,
        description="The deviations from the specification that are let in, with commas between "
        "them, in place of the default; `none` lets none in; "
        "[which there are](docs/interoperability.md)",
    )
    keep_rejected: int = Field(
        default=1000,
        ge=0,
        le=100_000,
        description="How many messages that were refused over HTTP are kept, the newest of them; "
        "those from Kafka all are",
    )
    commit_timeout: float = Field(
        default=5.0,
        validation_alias=AliasChoices(
            "AUDIT_SERVICE_COMMIT_TIMEOUT", "AUDIT_SERVICE_COMMIT_PATIENCE"
        ),
        gt=0,
        le=15,
        description="Seconds that a request waits at most for its turn to commit, then 503",
    )
    max_streams: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description="The most live streams of events that are open in a worker; past it 503",
    )
    kafka: Annotated[str, AfterValidator(_kafka_url)] = Field(
        default="kafka://127.0.0.1:9092/audit",
        description="The topic that `consume` reads: `kafka://host:port,host:port/topic`, options "
        "of librdkafka as parameters",
    )
    kafka_group: str = Field(
        default="audit-group-id", min_length=1, description="The consumer group of `consume`"
    )
    kafka_sender: Annotated[str, AfterValidator(_kafka_sender)] = Field(
        default="",
        max_length=100,
        description="The name under which `consume` keeps who sent an event: to the topic its own "
        "access control lets whom it lets; unset: none",
    )
    kafka_password: SaslPassword = SecretStr("")
    kafka_key_password: KeyPassword = SecretStr("")
    index: str = Field(
        default="",
        description="The file of the index of searches, on a disk of this machine; unset: beside "
        "the log, with `-index` after its name, and `data/events-index` for PostgreSQL; `none`: "
        "there is none, and queries scan the log",
    )
    webhook_origins: str = Field(
        default="",
        pattern=_ORIGINS,
        description="Origins that may deliver events by the handshake of webhooks, with commas "
        "between them: `eventgrid.azure.net`, `*.example.com`, `*`; unset: none",
    )
    webhook_rate: str = Field(
        default="*",
        pattern=r"^(?:\*|[1-9][0-9]{0,8})$",
        description="How many requests a minute they are allowed; `*`: any number",
    )
    audit_reads: bool = Field(
        default=False,
        description="Whether the log tells of who reads it, once a minute for each query, where "
        "access is controlled",
    )
    consumer_bind: BindAddress = Field(
        default="127.0.0.1:8081", description="Address of the health and metrics of `consume`"
    )

    @field_validator("index")
    @classmethod
    def _is_not_the_log(cls, value: str, info: ValidationInfo) -> str:
        """An index is removed when it is of no use: that MUST NOT be the log."""
        url = info.data.get("database_url")
        log = database_at(url) if url else None
        if isinstance(log, SqliteFile) and any(
            sqlite_file.are_of_one(value, log.path + suffix, OF_INDEX) for suffix in ("", *OF_LOG)
        ):
            raise ValueError("must not be the log, nor what is beside it")
        return value

    @property
    def index_path(self) -> str | None:
        """The file of the index, None where there is to be none."""
        if self.index == "none":
            return None
        database = database_at(self.database_url)
        beside = f"{database.path}-index" if isinstance(database, SqliteFile) else _POSTGRES_INDEX
        return self.index or beside

    @property
    def reader(self) -> EventReader:
        """What reads messages by these limits and tolerances."""
        limits = Limits(
            event_bytes=self.max_event_bytes,
            batch_bytes=self.max_batch_bytes,
            batch_events=self.max_batch_events,
            json_values=self.max_json_values,
        )
        return EventReader(limits, self.tolerate)
