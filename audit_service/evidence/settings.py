"""Settings of the log: where it is, who signs it, and who may see what is signed."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from audit_service.evidence.log_key import LogKey
from audit_service.evidence.note_keys import KeyMalformed, is_name, parse_signing_key
from audit_service.evidence.tree_store import key_file
from audit_service.evidence.witness_policy import (
    NO_WITNESSES,
    PolicyMalformed,
    WitnessPolicy,
    parse_policy,
)
from audit_service.log import UnsupportedDatabase, database_at
from service_kit.settings.base import ServiceSettings


def _database_url(text: str) -> str:
    try:
        database_at(text)
    except UnsupportedDatabase as error:
        raise ValueError(str(error)) from None
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    try:
        return SecretStr(parse_signing_key(text).private_text if text else "")
    except KeyMalformed as error:
        raise ValueError(str(error)) from None


def _origin(text: str) -> str:
    if text and not is_name(text):
        raise ValueError("must have neither spaces nor +")
    return text


def _policy(path: str) -> str:
    try:
        if path:
            parse_policy(Path(path).read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except PolicyMalformed as error:
        raise ValueError(f"{path}: {error}") from None
    return path


class LogSettings(ServiceSettings):
    """Settings of the log, beside those of every service."""

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default="sqlite:///data/events.db",
        description="Where the event log is: SQLite, or PostgreSQL by its URL",
    )
    database_password: SecretStr = Field(
        default=SecretStr(""), description="The database's password, where the URL has none"
    )
    log_key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        default=SecretStr(""),
        description="The key that signs the log, as `audit-service keys create` writes it; unset: "
        "one that is made once beside a SQLite file, and for PostgreSQL none: nothing is signed",
    )
    log_origin: Annotated[str, AfterValidator(_origin)] = Field(
        default="",
        description="The log's name in what it signs, that of its key, a URL without scheme: "
        "`example.com/log`; unset: as the key has it, and `localhost/audit-log-…` for a new one",
    )
    log_public: bool = Field(
        default=False,
        description="Whether anyone may read `/log`, by which alterations are detected: how many "
        "events there are and when each arrived, and nothing else of them",
    )

    witness_policy: Annotated[str, AfterValidator(_policy)] = Field(
        default="",
        description="A file of C2SP's tlog-policy: witnesses that checkpoints are offered to, at "
        "their URLs, and which of them have to cosign one; unset: none",
    )

    @property
    def policy(self) -> WitnessPolicy:
        """The witnesses. Raises PolicyMalformed, OSError where the file has changed since."""
        path = self.witness_policy
        return parse_policy(Path(path).read_bytes()) if path else NO_WITNESSES

    @field_validator("log_origin")
    @classmethod
    def _is_that_of_the_key(cls, value: str, info: ValidationInfo) -> str:
        key = info.data.get("log_key")
        if value and key and parse_signing_key(key.get_secret_value()).name != value:
            raise ValueError("must be the name of the key")
        return value

    @property
    def signing(self) -> LogKey:
        """Where the key comes from that signs the log."""
        file = key_file(database_at(self.database_url))
        return LogKey(self.log_key.get_secret_value(), self.log_origin, file)
