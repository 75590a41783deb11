"""Key of a log: the one that the settings give, or one that is made once beside its SQLite file."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from audit_service.evidence.note_keys import (
    KeyMalformed,
    SigningKey,
    generate_key,
    parse_signing_key,
)
from service_kit import sqlite_file

ORIGIN: Final = "localhost/audit-log-"
"""How the origin of a log begins that nobody gave one."""

log = structlog.get_logger()


class SigningStopped(Exception):
    """Nothing is signed, and the message says why; it has no secret."""


class NoKey(SigningStopped):
    """The log has no key and makes none: nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """Where the key comes from. `text`: the key itself; else it is in `file`, None where it may be
    in none. `origin`: the name that it must have; empty: any.
    """

    text: str = field(repr=False)
    origin: str
    file: str | None

    @property
    def makes_its_own(self) -> bool:
        """Whether none was given, and it is made where there is none."""
        return not self.text and self.file is not None

    def load(self) -> SigningKey:
        """The key. Raises SigningStopped where there is none, or not the one that is wanted."""
        text = self.text or _read(self.file)
        try:
            key = parse_signing_key(text.strip())
        except KeyMalformed as error:
            raise SigningStopped(f"the key of the log {error}") from None
        if self.origin and key.name != self.origin:
            raise SigningStopped(f"the key is that of {key.name}, and not of {self.origin}")
        return key

    def load_or_make(self) -> SigningKey:
        """The same; a log that has never had a key gets one, where it makes its own.

        Raises SigningStopped.
        """
        if not self.makes_its_own or self.file is None or Path(self.file).exists():
            return self.load()
        try:
            key = write_key(self.file, self.origin or random_origin())
        except FileExistsError:
            return self.load()
        except OSError as error:
            raise SigningStopped(f"a key cannot be written: {error.strerror}") from error
        log.warning(
            "a key was made that signs the log: keep its verifier key elsewhere",
            file=self.file,
            verifier_key=str(key.verifier),
        )
        return key


def random_origin() -> str:
    """The origin of a log that nobody gave one."""
    return ORIGIN + secrets.token_hex(4)


def write_key(path: str, origin: str) -> SigningKey:
    """Make a key in a file of its own that its owner alone can read, on disk before it is used.

    Raises FileExistsError, OSError; KeyMalformed where the origin cannot be a name.
    """
    key = generate_key(origin)
    # Under another name first: who finds it by its own finds it whole.
    sqlite_file.make(part := f"{path}.{secrets.token_hex(4)}")
    try:
        with Path(part).open("w", encoding="utf-8") as file:
            file.write(f"{key.private_text}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
        _sync_folder(Path(path).parent)
    finally:
        with suppress(OSError):
            Path(part).unlink()
    return key


def _read(file: str | None) -> str:
    if file is None:
        raise NoKey("no key is given: AUDIT_SERVICE_LOG_KEY")
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SigningStopped(f"there is no key at {file}") from None
    except (OSError, UnicodeDecodeError):
        raise SigningStopped(f"the key at {file} cannot be read") from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
