"""Recorder of messages that were refused over HTTP: the newest are kept, within bounds.

A thread writes them, many in one transaction, so that no request waits for that. A crash loses
those of the last second; their senders have had the answer in any case.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from audit_service.log import LogUnavailable
from audit_service.rejected.message import RejectedMessage
from audit_service.rejected.store import RejectedStore
from service_kit.access.principal import Principal

STORE_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of all kept messages together."""
INTERVAL_SECONDS: Final = 1.0
INTERVAL_MESSAGES: Final = 20
"""The most that is kept of an interval, by all processes of a service together."""
QUEUE_BYTES: Final = 16 * 1024 * 1024
"""The most that waits to be written in a process."""

log = structlog.get_logger()


class HttpRecorder:
    """Keeps at most `at_most` messages; none where it is 0. Safe for any number of threads."""

    def __init__(
        self,
        store: RejectedStore,
        at_most: int,
        not_kept: Callable[[], None],
        *,
        processes: int = 1,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        """`not_kept` is called for each message that comes beyond the bounds. `processes`: how
        many record into the store; each has its share of INTERVAL_MESSAGES, one at least.
        """
        self._store = store
        self._at_most = at_most
        self._not_kept = not_kept
        self._share = max(1, INTERVAL_MESSAGES // processes)
        self._interval = interval
        self._changed = threading.Condition()
        # Guarded by _changed.
        self._queue: list[RejectedMessage] = []
        self._recorded = 0  # in this interval
        self._writing = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def record(
        self, headers: Mapping[str, str], body: bytes, error: Exception, principal: Principal
    ) -> None:
        """Have a message of that principal kept soon; returns at once.

        `headers`: as WSGI gives them, those that matter to events.
        """
        if not self._at_most:
            return
        given = [(name, value.encode("latin-1")) for name, value in headers.items()]
        message = RejectedMessage(
            *(given, None, body, str(error)), sender=principal.name, bounds=principal.bounds
        )
        with self._changed:
            if self._has_room_for(message):
                self._queue.append(message)
                self._recorded += 1
                self._start()
                return
        self._not_kept()

    def flush(self) -> None:
        """Return once all that was recorded before is written, or known not to be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._writing)

    def close(self) -> None:
        """Write what waits, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _has_room_for(self, message: RejectedMessage) -> bool:
        size = sum(each.size for each in self._queue) + message.size
        return self._recorded < self._share and size <= QUEUE_BYTES

    def _start(self) -> None:
        """Start the thread with the first message, for by then the process has forked."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rejected", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                queue, self._queue = self._queue, []
                if not queue:
                    return
                self._writing = True
            self._save(queue)
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                # What comes within the interval is written together, after it.
                self._changed.wait_for(lambda: self._closed, timeout=self._interval)
                self._recorded = 0

    def _save(self, messages: list[RejectedMessage]) -> None:
        try:
            self._store.save(messages, self._at_most, STORE_BYTES)
        except LogUnavailable as reason:
            log.warning("rejected messages are not kept", count=len(messages), reason=str(reason))
