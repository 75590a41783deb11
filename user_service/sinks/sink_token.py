"""Sink token: what an HTTP sink knows this service by, as it is now."""

import re
import threading
from pathlib import Path
from typing import Final

import structlog

from user_service.settings import Settings

log = structlog.get_logger()

_NO_FILE: Final = (0, 0, 0)
_FORM = re.compile(r"[!-~]+")


class SinkToken:
    """The token of the settings, or that of a file, which may change. Safe for any thread."""

    def __init__(self, text: str, file: str = "") -> None:
        self._text = text
        self._file = file
        self._lock = threading.Lock()
        self._seen = _NO_FILE

    def text(self) -> str:
        """The token; empty where there is none. One that cannot be read stays as it was."""
        if not self._file:
            return self._text
        with self._lock:
            try:
                found = Path(self._file).stat()
                seen = found.st_ino, found.st_mtime_ns, found.st_size
                if seen != self._seen:
                    text = Path(self._file).read_text(encoding="utf-8").strip()
                    self._seen = seen
                    if not _FORM.fullmatch(text):
                        raise ValueError("it is no token")  # noqa: TRY301 - said below
                    self._text = text
            except (OSError, ValueError) as error:
                # It may be in the middle of being written.
                log.warning("the sink's token cannot be read", reason=type(error).__name__)
            return self._text


def sink_token(settings: Settings) -> SinkToken:
    """The one that is set."""
    return SinkToken(settings.sink_token.get_secret_value(), settings.sink_token_file)
