"""Rejected message as a document for programs."""

import base64
from typing import Any

from audit_service.rejected.message import StoredRejection
from service_kit.clock import from_microseconds


def as_document(rejection: StoredRejection) -> dict[str, Any]:
    """The message for programs; bytes as text where they are UTF-8, else in Base64."""
    message, origin = rejection.message, rejection.message.origin
    where = origin and {
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
    }
    return {
        "id": rejection.id,
        "received_at": time_text(rejection.received_at),
        "kafka": where,
        "headers": [{"name": name, "value": _bytes(value)} for name, value in message.headers],
        "key": _bytes(message.key),
        "value": _bytes(message.value),
        "digest": message.digest.hex(),
        "reason": message.reason,
        "sender": message.sender,
    }


def _bytes(value: bytes | None) -> Any:
    """Text where it is UTF-8, else an object with its Base64."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def time_text(microseconds: int) -> str:
    """A time of arrival as it is shown."""
    return from_microseconds(microseconds).isoformat(timespec="milliseconds")
