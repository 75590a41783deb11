"""Kafka messages as a consumer sees them: headers in their order, and a value."""

from collections.abc import Mapping

from audit_service.events.kafka_binding import Headers
from audit_service.events.limits import Limits

LIMITS = Limits()

Message = tuple[Headers, bytes | None]


def message(
    attributes: Mapping[str, str | bytes | None],
    content_type: str | None = None,
    value: bytes | None = None,
) -> Message:
    """A message with a `ce_` header for each attribute, and a content-type where there is one."""
    headers = [(f"ce_{name}", _encoded(text)) for name, text in attributes.items()]
    if content_type is not None:
        headers.append(("content-type", content_type.encode()))
    return headers, value


def _encoded(text: str | bytes | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text
