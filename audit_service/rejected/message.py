"""Rejected message, as it came, and its row."""

import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from audit_service.events.kafka_binding import Headers
from audit_service.log import Origin
from service_kit.logs import escape_controls

COLUMNS: Final = (
    "received_at",
    "kafka_topic",
    "kafka_partition",
    "kafka_offset",
    "headers",
    "key",
    "value",
    "digest",
    "reason",
    "sender",
    "bounds",
)

SUMMARY: Final = (
    "id",
    "received_at",
    "kafka_topic",
    "kafka_partition",
    "kafka_offset",
    "length(headers) + coalesce(length(key), 0) + coalesce(length(value), 0)",
    "reason",
    "sender",
)

NO_LIMIT: Final = 2**62

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """`value` and `key`: None where they are null; over HTTP the value is the body.

    `origin`: None where it came over HTTP. `reason`: what is wrong with it, in a sentence.
    `sender`: who sent it, None where that is not known; `bounds`: prefixes of the sources that
    they may write of, none where that may be any.
    """

    headers: Headers
    key: bytes | None
    value: bytes | None
    reason: str
    origin: Origin | None = None
    sender: str | None = None
    bounds: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes it has."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return headers + len(self.key or b"") + len(self.value or b"")

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was sent: headers, key and value."""
        parts = [self.key, self.value]
        for name, value in self.headers:
            parts += [name.encode(errors="surrogateescape"), value]
        # Each with its length, so that no two messages are the same bytes.
        lengths = b"".join(b"%d " % (-1 if part is None else len(part)) for part in parts)
        return hashlib.sha256(lengths + b"".join(part or b"" for part in parts)).digest()

    def told(self) -> dict[str, Any]:
        """What the log tells of it: nothing of what was sent."""
        return {"reason": self.reason, "sender": self.sender, "digest": self.digest.hex()}


@dataclass(frozen=True, slots=True)
class StoredRejection:
    """A message in the store. `received_at`: microseconds since 1970, UTC."""

    id: int
    received_at: int
    message: RejectedMessage


@dataclass(frozen=True, slots=True)
class RejectionSummary:
    """A message in the store without what was sent. `size`: bytes of headers, key and value."""

    id: int
    received_at: int
    origin: Origin | None
    size: int
    reason: str
    sender: str | None


def row_of(message: RejectedMessage, now: int) -> Row:
    """Its row, the columns as COLUMNS."""
    origin = message.origin
    where = (
        (None, None, None) if origin is None else (origin.topic, origin.partition, origin.offset)
    )
    headers = json.dumps([(name, _base64(value)) for name, value in message.headers])
    return (
        now,
        *where,
        headers,
        message.key,
        message.value,
        message.digest,
        escape_controls(message.reason),
        message.sender,
        json.dumps(message.bounds),
    )


def stored_rejection(row: Row) -> StoredRejection:
    """The rejection of a row, its columns `id` and then COLUMNS."""
    number, received_at, topic, partition, offset, headers, key, value, _, reason, *who = row
    origin = None if topic is None else Origin(topic, partition, offset)
    given = [(name, _bytes(text)) for name, text in json.loads(headers)]
    sender, bounds = who
    message = RejectedMessage(
        *(given, key, value, reason, origin, sender), tuple(json.loads(bounds or "[]"))
    )
    return StoredRejection(number, received_at, message)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else binascii.b2a_base64(value, newline=False).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else binascii.a2b_base64(text)


def summary(row: Row) -> RejectionSummary:
    """The summary of a row, its columns as SUMMARY."""
    number, received_at, topic, partition, offset, size, reason, sender = row
    origin = None if topic is None else Origin(topic, partition, offset)
    return RejectionSummary(number, received_at, origin, size, reason, sender)
