"""Environment variables of settings, and those that name a file which holds the value."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource


def names_of(prefix: str, name: str, info: FieldInfo) -> list[str]:
    """The variables that set a field, the one that wins first."""
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [f"{prefix}{name.upper()}"]


def unknown(prefix: str, settings: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """A warning for each variable that has the prefix and is none of `settings`.

    Variables that Kubernetes injects for a Service of the same name are passed over.
    """
    known = set(settings)
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


class FileVariables(PydanticBaseSettingsSource):
    """`NAME_FILE` for each variable `NAME` where neither it nor one that wins over it is set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        prefix = self.settings_cls.model_config["env_prefix"]
        for name in names_of(prefix, field_name, field):
            path = os.environ.get(f"{name}_FILE")
            if name in os.environ:
                break
            if path is not None:
                return content_of(f"{name}_FILE", path), name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, name, _ = self.get_field_value(field, field_name)
            if value is not None:
                values[name if field.validation_alias else field_name] = value
        return values


@dataclass(frozen=True)
class Unreadable:
    """Stands for the content of a file that could not be read, until validation names it."""

    reason: str


def content_of(variable: str, path: str) -> str | Unreadable:
    """What is in the file that a variable names, less the line end."""
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        return Unreadable(f"cannot read {path}, which {variable} names: {reason}")
