"""Sink token: what an HTTP sink knows this service by, as it is now."""

import threading

import structlog

from service_kit.access import token_text
from service_kit.changing_file import ChangingFile
from user_service.settings import Settings

log = structlog.get_logger()


class SinkToken:
    """The token of the settings, or that of a file, which may change. Safe for any thread."""

    def __init__(self, text: str, file: str = "") -> None:
        self._text = text
        self._file = ChangingFile(file) if file else None
        self._lock = threading.Lock()

    def text(self) -> str:
        """The token; empty where there is none. One that cannot be read stays as it was."""
        if self._file is None:
            return self._text
        with self._lock:
            try:
                found = self._file.read_if_changed()
                if found is not None:
                    self._text = _token(found)
            except (OSError, ValueError) as error:
                # It may be in the middle of being written.
                log.warning("the sink's token cannot be read", reason=type(error).__name__)
            return self._text


def sink_token(settings: Settings) -> SinkToken:
    """The one that is set."""
    return SinkToken(settings.sink_token.get_secret_value(), settings.sink_token_file)


def _token(content: bytes) -> str:
    """Raises ValueError where it is none."""
    text = content.decode().strip()
    if not text or not token_text.can_be_sent(text):
        raise ValueError("it is no token")
    return text
