"""Settings from environment variables: read once, validated at start, every wrong one named.

`NAME_FILE` may stand for any `NAME`: the value is then the content of that file, less the
line end, so that a secret need not be in the environment.
"""

import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service_kit.settings.byte_size import AUTO, ReserveSize
from service_kit.settings.env_files import FileVariables, Unreadable, names_of, unknown
from service_kit.settings.redaction import redact
from service_kit.settings.server import ServerSettings

LogFormat = Literal["auto", "console", "json"]


def _networks(text: str) -> str:
    for each in filter(None, text.split(",")):
        try:
            ip_network(each)
        except ValueError:
            raise ValueError("must be addresses or networks, with commas between them") from None
    return text


class SettingsError(Exception):
    """Some settings are wrong; `problems` has a sentence for each, which names it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class ServiceSettings(ServerSettings):
    """Settings that every service has. A subclass sets `env_prefix` and adds its own."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    log_format: LogFormat = Field(
        default="auto",
        description="`console`, `json`, or `auto`: console on a terminal, JSON elsewhere",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe lines to log"
    )
    auth: Literal["", "none", "tokens"] = Field(
        default="",
        description="`tokens`: each request needs one, with a scope; `none`: anyone may do all. It "
        "must be said unless only this machine reaches the address; unset: `none`",
    )
    tokens_file: str = Field(
        default="",
        description="A file of tokens beside those of the database, a JSON array of `name`, "
        "`sha256`, `scopes` and `sources`; read again when it changes",
    )
    session_key: SecretStr = Field(
        default=SecretStr(""),
        description="A secret with which browsers' sessions are signed, the same on all machines; "
        "unset: a new one at each start, which ends them",
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        default="",
        description="Addresses or networks of proxies whose `X-Forwarded-Proto`, `X-Forwarded-For` "
        "and `SCRIPT_NAME` count, with commas between them",
    )
    migrate: bool = Field(
        default=True, description="Bring the database's schema up to date at start"
    )
    disk_reserve: ReserveSize = Field(
        default=AUTO,
        description="Room on the disk of a SQLite file below which nothing new is stored: bytes, "
        "as `2GiB` or `0`, or `auto`: 5 % of the disk, 512 MiB at most",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _was_read(cls, value: Any) -> Any:
        if isinstance(value, Unreadable):
            raise ValueError(value.reason)  # noqa: TRY004 - so that it is named with the others
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then files that variables name, where these come first, then variables."""
        del dotenv_settings, file_secret_settings
        return init_settings, FileVariables(settings_cls), env_settings

    @classmethod
    def load(cls) -> Self:
        """The settings that the environment gives.

        Raises SettingsError, which names every variable that is wrong.
        """
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(
                [f"{_variable_at(cls, e['loc'])}: {_sentence(e)}" for e in error.errors()]
            ) from None

    @classmethod
    def variables(cls) -> dict[str, list[str]]:
        """The variables that set each field, the one that wins first."""
        prefix = cls.model_config["env_prefix"]
        return {name: names_of(prefix, name, info) for name, info in cls.model_fields.items()}

    @classmethod
    def unknown_variables(cls, environ: Mapping[str, str]) -> list[str]:
        """A warning for each variable that looks like a setting and is none."""
        names = (name for names in cls.variables().values() for name in names)
        return unknown(cls.model_config["env_prefix"], names, environ)

    def shown(self) -> dict[str, str]:
        """Every setting by its variable, with passwords redacted."""
        return {
            names[0]: redact(text_of(getattr(self, field)))
            for field, names in type(self).variables().items()
        }


def text_of(value: object) -> str:
    """A setting's value as a variable would have it."""
    if isinstance(value, AbstractSet):
        return ",".join(sorted(map(str, value))) or "none"
    return str(value)


def _variable_at(settings: type[ServiceSettings], loc: tuple[int | str, ...]) -> str:
    """The variable that a wrong value came from, or would have: never one that nobody set."""
    name = str(loc[0]) if loc else "settings"
    for field, names in settings.variables().items():
        if name == field or name in names:
            given = (n for n in names if n in os.environ or f"{n}_FILE" in os.environ)
            return next(given, names[0])
    return name


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[0].lower() + message[1:]
