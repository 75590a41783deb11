"""What the audit service can be told, by environment variables."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from service_kit.settings import BindAddress, ServiceSettings

KIB, MIB = 1024, 1024 * 1024


def _database_url(text: str) -> str:
    if not text.startswith("sqlite:///") or text.removeprefix("sqlite:///") in {"", ":memory:"}:
        raise ValueError("must be like sqlite:///data/events.db")
    return text


class Settings(ServiceSettings):
    """The settings, each from the variable of its name with `AUDIT_SERVICE_` before it."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_SERVICE_")

    bind: BindAddress = Field("127.0.0.1:8080", description="Address to listen on, `host:port`")
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///data/events.db",
        description="Where the event log is",
    )
    max_event_bytes: int = Field(
        MIB, ge=64 * KIB, le=64 * MIB, description="The longest body of a single event"
    )
    max_batch_bytes: int = Field(
        10 * MIB, ge=64 * KIB, le=256 * MIB, description="The longest body of a batch"
    )
    commit_patience: float = Field(
        5.0,
        gt=0,
        le=60,
        description="Seconds that a request waits at most for its turn to commit, then 503",
    )
