"""Redrive: reads a rejected message again, after a fix of the service, its limits or rules."""

from collections.abc import Callable, Sequence
from itertools import repeat

from audit_service.events import Event
from audit_service.events.reader import EventReader
from audit_service.log import EventLog, stored_line
from audit_service.rejected.message import RejectedMessage, StoredRejection
from audit_service.rejected.store import RejectedStore

Read = Callable[[RejectedMessage], Sequence[Event]]


def redrive(
    rejection: StoredRejection, event_log: EventLog, store: RejectedStore, reader: EventReader
) -> int:
    """Append the message's events, and return how many they are.

    It MUST leave the store of rejected messages only once its events are on disk. Raises what
    reading raises (`events.REJECTIONS`) where it is still no event; LogUnavailable.
    """
    events = _read(rejection.message, reader)
    receipts = event_log.append(events, repeat(rejection.message.origin))
    stored_line.log_stored(events, receipts)
    store.drop(rejection.id)
    return len(events)


def _read(message: RejectedMessage, reader: EventReader) -> Sequence[Event]:
    if message.origin is not None:
        return reader.kafka(message.headers, message.value)
    headers = {name: (value or b"").decode("latin-1") for name, value in message.headers}
    return reader.http(headers, message.value or b"")
