"""Frames of a live stream (HTML Standard, section 9.2.6)."""

from typing import Final

from audit_service.api.event_record import one_line, record_json
from audit_service.log import Record

BEGIN: Final = b"retry: 1000\n"
COMMENT: Final = b":\n"


def frame(record: Record) -> bytes:
    """What is sent of a record."""
    return b"id: %d\ndata: %b\n\n" % (record.position, one_line(record_json(record)))


def progress(position: int) -> bytes:
    """What tells where to go on from, and is no event."""
    return b"id: %d\n\n" % position
