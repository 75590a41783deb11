"""Batch writer: stores a batch of messages, events in the log and the rest as rejected."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from audit_service.consumer.message import IncomingMessage, OnRejected, processing_error
from audit_service.log import EventLog, LogUnavailable, hashed, stored_line
from audit_service.rejected import RejectedStore

log = structlog.get_logger()


class BatchWriter:
    """Stores messages. Each step may be repeated: what is there already stays as it is."""

    def __init__(
        self,
        event_log: EventLog,
        rejected: RejectedStore,
        on_stored: Callable[[int], None],
        on_rejected: OnRejected,
        sender: str | None = None,
    ) -> None:
        """`on_stored` is given the number of messages stored, `on_rejected` each reason; `sender`:
        of all of them.
        """
        self._sender = sender
        self._event_log = event_log
        self._rejected = rejected
        self._on_stored = on_stored
        self._on_rejected = on_rejected

    def store(self, batch: Sequence[IncomingMessage]) -> None:
        """Store the events and keep what is none.

        MUST NOT return before all of it is on disk. Raises LogUnavailable; some of it may be
        stored then.
        """
        refused = [message for message in batch if message.error is not None]
        refused += self._append([message for message in batch if message.error is None])
        if refused:
            sender = self._sender
            self._rejected.save([replace(each.rejected, sender=sender) for each in refused])
        for message in refused:
            self._report_rejected(message)
        self._on_stored(len(batch))

    def _append(self, batch: Sequence[IncomingMessage]) -> list[IncomingMessage]:
        """Append in one transaction; those that make it fail, by whatever error, come back."""
        events = [event for message in batch for event in message.events]
        origins = [message.origin for message in batch for _ in message.events]
        try:
            entries = hashed(events, origins, self._sender)
            receipts = self._event_log.append_entries(entries)
            stored_line.log_stored(events, receipts, self._sender)
        except LogUnavailable:
            raise
        except Exception as error:
            log.exception("events could not be appended")
            if len(batch) == 1:
                return [batch[0].rejected_for(processing_error(error))]
            return [message for single in batch for message in self._append([single])]
        return []

    def _report_rejected(self, message: IncomingMessage) -> None:
        if message.error is not None:
            self._on_rejected(message.error)
            origin = message.origin
            log.warning(
                "a message was rejected",
                topic=origin.topic,
                partition=origin.partition,
                offset=origin.offset,
                reason=str(message.error),
            )
