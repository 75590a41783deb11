"""Settings from environment variables: read once, validated at start, every wrong one named.

`NAME_FILE` may stand for any `NAME`: the value is then the content of that file, less the
line end, so that a secret need not be in the environment.
"""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

LogFormat = Literal["auto", "console", "json"]

# Up to the last @, since a password may hold any character: better too much hidden than too little.
_URL_PASSWORD = re.compile(r"(?<=://)([^/?#\s@:]*):\S*@")
_QUERY_PASSWORD = re.compile(r"([?&][^=&]*password)=[^&]*", re.IGNORECASE)
_BIND = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})")


class SettingsError(Exception):
    """Some settings are wrong; `problems` has a sentence for each, which names it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _bind_address(text: str) -> str:
    match = _BIND.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= 65535 or not _nameable(match["host"]):  # noqa: PLR2004
        raise ValueError("must be host:port, for example 127.0.0.1:8080")
    return text


def _nameable(host: str) -> bool:
    """Whether it can be looked up at all: `a..b` cannot."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


BindAddress = Annotated[str, AfterValidator(_bind_address)]


def host_and_port(bind: str) -> tuple[str, int]:
    """The two halves of a `BindAddress`, an IPv6 host without its brackets."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


class ServiceSettings(BaseSettings):
    """What every service can be told. A subclass sets `env_prefix` and adds its own."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    bind: BindAddress = Field(
        default="127.0.0.1:8000", description="Address to listen on, `host:port`"
    )
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes")
    threads: int = Field(default=8, ge=2, le=256, description="Threads in each worker")
    log_format: LogFormat = Field(
        default="auto",
        description="`console`, `json`, or `auto`: console on a terminal, JSON elsewhere",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe lines to log"
    )
    migrate: bool = Field(
        default=True, description="Bring the database's schema up to date at start"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _was_read(cls, value: Any) -> Any:
        if isinstance(value, _Unreadable):
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
        return init_settings, _FileVariables(settings_cls), env_settings

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
        return {name: _variables(prefix, name, info) for name, info in cls.model_fields.items()}

    def shown(self) -> dict[str, str]:
        """Every setting by its variable, with passwords masked."""
        return {
            names[0]: masked(str(getattr(self, field)))
            for field, names in type(self).variables().items()
        }


def masked(text: str) -> str:
    """The text without the password of any URL in it."""
    return _QUERY_PASSWORD.sub(r"\1=***", _URL_PASSWORD.sub(r"\1:***@", text))


def unknown_variables(settings: type[ServiceSettings], environ: Mapping[str, str]) -> list[str]:
    """A warning for each variable that has the prefix and is no setting.

    Variables that Kubernetes injects for a Service of the same name are passed over.
    """
    prefix = settings.model_config["env_prefix"]
    known = {name for names in settings.variables().values() for name in names}
    known |= {f"{name}_FILE" for name in known}
    injected = re.compile(
        rf"{prefix}(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
    )
    warnings = []
    for name in sorted(environ):
        if name.startswith(prefix) and name not in known and not injected.fullmatch(name):
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)
            warnings.append(f"{name} is not a setting; the nearest is {nearest[0]}")
    return warnings


class _FileVariables(PydanticBaseSettingsSource):
    """`NAME_FILE` for each variable `NAME` where neither it nor one that wins over it is set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        prefix = self.settings_cls.model_config["env_prefix"]
        for name in _variables(prefix, field_name, field):
            path = os.environ.get(f"{name}_FILE")
            if name in os.environ:
                break
            if path is not None:
                return _content(f"{name}_FILE", path), name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, name, _ = self.get_field_value(field, field_name)
            if value is not None:
                values[name if field.validation_alias else field_name] = value
        return values


@dataclass(frozen=True)
class _Unreadable:
    """Stands for the content of a file that could not be read, until validation names it."""

    reason: str


def _content(variable: str, path: str) -> str | _Unreadable:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        return _Unreadable(f"cannot read {path}, which {variable} names: {reason}")


def _variables(prefix: str, name: str, info: FieldInfo) -> list[str]:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [f"{prefix}{name.upper()}"]


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


__all__ = [
    "BindAddress",
    "LogFormat",
    "SecretStr",
    "ServiceSettings",
    "SettingsError",
    "host_and_port",
    "masked",
    "unknown_variables",
]
