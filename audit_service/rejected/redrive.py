"""Redrive: reads a rejected message again, after a fix of the service, its limits or rules."""

from collections.abc import Sequence
from itertools import repeat

from audit_service.access.bounds import check_sources
from audit_service.events import Event
from audit_service.events.reader import EventReader
from audit_service.log import Entry, EventLog, hashed, stored_line
from audit_service.rejected.message import RejectedMessage, StoredRejection
from audit_service.rejected.store import RejectedStore
from service_kit.access.principal import ANYONE, Principal
from service_kit.concurrency import Runner, run_here


def redrive(
    rejection: StoredRejection,
    event_log: EventLog,
    store: RejectedStore,
    reader: EventReader,
    *,
    run: Runner = run_here,
    told: Sequence[Entry] = (),
    is_controlled: bool = False,
) -> int:
    """Append the message's events, and `told`, which tells of it; return how many they are.

    It MUST leave the store of rejected messages only once its events are on disk. `run`: runs what
    blocks or computes, beside the log; `is_controlled`: whether access is. Raises what reading
    raises (`events.REJECTIONS`) where it is still no event; SourceForbidden where its sender may
    not write of its source; LogUnavailable.
    """
    message = rejection.message
    sender = Principal(message.sender, frozenset(), message.bounds) if is_controlled else ANYONE
    entries = run(lambda: _entries(message, reader, sender))
    receipts = event_log.append_entries([*entries, *told])[: len(entries)]
    run(lambda: store.drop(rejection.id))
    stored_line.log_stored([entry.event for entry in entries], receipts, message.sender)
    return len(entries)


def _entries(message: RejectedMessage, reader: EventReader, sender: Principal) -> Sequence[Entry]:
    events = _read(message, reader)
    check_sources(sender, events)
    return hashed(events, repeat(message.origin), message.sender)


def _read(message: RejectedMessage, reader: EventReader) -> Sequence[Event]:
    if message.origin is not None:
        return reader.kafka(message.headers, message.value)
    headers = {name: (value or b"").decode("latin-1") for name, value in message.headers}
    return reader.http(headers, message.value or b"")
