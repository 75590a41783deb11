"""CloudEvents, read strictly: the only code that knows the SDK.

One way in for each transport (`http.read`), one for looking at what was kept (`structured_form`).
"""

from audit_service.events.digest import Digest, digest
from audit_service.events.event import (
    BatchRejected,
    Event,
    EventRejected,
    JsonText,
    TooManyEvents,
    UnsupportedFormat,
    Value,
)
from audit_service.events.structured import structured_form

__all__ = [
    "BatchRejected",
    "Digest",
    "Event",
    "EventRejected",
    "JsonText",
    "TooManyEvents",
    "UnsupportedFormat",
    "Value",
    "digest",
    "structured_form",
]
