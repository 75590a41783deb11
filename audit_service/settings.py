"""What the audit service can be told, by environment variables."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from audit_service.log import UnsupportedDatabase, check_url
from service_kit.addresses import BindAddress
from service_kit.settings import ServiceSettings

KIB, MIB = 1024, 1024 * 1024


def _database_url(text: str) -> str:
    try:
        check_url(text)
    except UnsupportedDatabase as error:
        raise ValueError(str(error)) from None
    return text


class Settings(ServiceSettings):
    """The settings, each from the variable of its name with `AUDIT_SERVICE_` before it."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_SERVICE_")

    bind: BindAddress = Field(
        default="127.0.0.1:8080", description="Address to listen on, `host:port`"
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default="sqlite:///data/events.db",
        description="Where the event log is: SQLite, or PostgreSQL by its URL",
    )
    database_password: SecretStr = Field(
        default=SecretStr(""), description="The database's password, where the URL has none"
    )
    max_event_bytes: int = Field(
        default=MIB, ge=64 * KIB, le=64 * MIB, description="The longest body of a single event"
    )
    max_batch_bytes: int = Field(
        default=10 * MIB, ge=64 * KIB, le=256 * MIB, description="The longest body of a batch"
    )
    max_batch_events: int = Field(
        default=10_000, ge=1, le=1_000_000, description="The most events of a batch"
    )
    commit_patience: float = Field(
        default=5.0,
        gt=0,
        le=15,
        description="Seconds that a request waits at most for its turn to commit, then 503",
    )
