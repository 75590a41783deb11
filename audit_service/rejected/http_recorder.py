"""Keeping what was refused over HTTP: the newest of it, where a setting says so."""

from collections.abc import Mapping

import structlog

from audit_service.log import LogUnavailable
from audit_service.rejected.message import RejectedMessage
from audit_service.rejected.store import RejectedStore

log = structlog.get_logger()


class HttpRecorder:
    """Keeps at most `at_most` messages that came over HTTP; none where it is 0."""

    def __init__(self, store: RejectedStore, at_most: int) -> None:
        self._store = store
        self._at_most = at_most

    def record(self, headers: Mapping[str, str], body: bytes, error: Exception) -> None:
        """Keep a message, or say in the log that it cannot be: its sender is told in any case.

        `headers`: as WSGI gives them, those that matter to events.
        """
        if not self._at_most:
            return
        given = [(name, value.encode("latin-1")) for name, value in headers.items()]
        try:
            self._store.save([RejectedMessage(given, None, body, str(error))], self._at_most)
        except LogUnavailable as reason:
            log.warning("a rejected message is not kept", reason=str(reason))
