"""CloudEvents, read strictly: the only code that knows the SDK.

One reader for each transport (`http_binding.read`, `kafka_binding.read`), one writer for what is
shown (`to_json`).
"""

from typing import Final

from audit_service.events.digest import CANONICAL_VERSION, Digest, digest
from audit_service.events.event import (
    BatchRejected,
    Event,
    EventRejected,
    JsonText,
    Rule,
    TooManyEvents,
    TooManyValues,
    UnsupportedFormat,
    Value,
)
from audit_service.events.json_format import data_as_text, to_json
from audit_service.events.tolerance import DEFAULT, STRICT, Tolerance, Tolerances

REJECTIONS: Final = (
    EventRejected,
    BatchRejected,
    TooManyEvents,
    TooManyValues,
    UnsupportedFormat,
)
"""Every way in which a message can fail to be events."""

__all__ = [
    "CANONICAL_VERSION",
    "DEFAULT",
    "REJECTIONS",
    "STRICT",
    "BatchRejected",
    "Digest",
    "Event",
    "EventRejected",
    "JsonText",
    "Rule",
    "Tolerance",
    "Tolerances",
    "TooManyEvents",
    "TooManyValues",
    "UnsupportedFormat",
    "Value",
    "data_as_text",
    "digest",
    "to_json",
]
