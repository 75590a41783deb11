"""Event in the log, as it is shown: its schema, and its JSON."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import BaseModel, Field

from audit_service.events import to_json
from audit_service.evidence import record_text
from audit_service.log import Record
from service_kit.clock import from_microseconds, rfc3339


class KafkaOrigin(BaseModel):
    """Where a message is in Kafka."""

    topic: str
    partition: int
    offset: int


class StoredForm(BaseModel):
    """An event as it is stored."""

    attributes: dict[str, Any]
    data: str | None = Field(description="Its bytes in Base64")
    is_json: bool


class EventRecord(BaseModel):
    """An event in the log."""

    position: int = Field(description="Its place in the log: gapless, in commit order")
    received_at: datetime
    conflicts_with: int | None = Field(
        description="Position of the first event with the same source and id, another content"
    )
    event: dict[str, Any] = Field(description="The event in the JSON event format")
    tolerated: list[str] = Field(
        description="Deviations from the specification that were let in with it"
    )
    sender: str | None = Field(description="Who sent it, where access is controlled")
    kafka: KafkaOrigin | None = Field(
        description="The message that brought it; null where it came over HTTP"
    )
    stored: StoredForm | None = Field(
        default=None,
        description="Only where `event` alone does not say it: spaces or line breaks around "
        "tokens of its data, or what specversion 0.3 says of its encoding",
    )


def record_json(record: Record, more: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """The EventRecord of a record; `more`: other members of it."""
    document = {
        "position": record.position,
        "received_at": rfc3339(from_microseconds(record.received_at)),
        "conflicts_with": record.conflicts_with,
        "event": orjson.Fragment(to_json(record.event)),
        "tolerated": record.event.tolerated,
        "sender": record.sender,
        # A dataclass: orjson writes its fields.
        "kafka": record.origin,
        **record_text.stored_form(record.event),
        **more,
    }
    # A copy, for orjson's own has room for 4 KiB: pages that wait for slow readers took tenfold.
    return bytes(memoryview(orjson.dumps(document)))


def one_line(text: bytes) -> bytes:
    """JSON in one line: line breaks are between its tokens only, and become spaces."""
    return text.replace(b"\n", b" ").replace(b"\r", b" ")
