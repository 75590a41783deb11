"""Events out of Kafka messages (Kafka Protocol Binding 1.0.2), and batches, our extension.

`from_kafka` builds every single event. What it would lose or repair is checked before it is
called, or at its two seams, a format and a factory. It is never given the message's key, of
which it would make a `partitionkey` that the sender did not set (3.1: a key is no attribute).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka

from audit_service.events.attributes import REQUIRED
from audit_service.events.content_mode import (
    STRUCTURED,
    ContentMode,
    content_mode,
    event_of,
    read_batch,
)
from audit_service.events.event import Event, EventRejected
from audit_service.events.json_format import STRICT_JSON

Headers = Sequence[tuple[str, bytes | None]]
"""As librdkafka gives them: in their order, a name as often as it is there."""

_CONTENT_TYPE: Final = "content-type"
_LENGTH: Final = len(_CONTENT_TYPE)
_TIME: Final = "ce_time"
_PREFIX: Final = "ce_"


@dataclass(frozen=True)
class Limits:
    """The longest value of a single event and of a batch, in bytes; the most events of a batch."""

    event_bytes: int
    batch_bytes: int
    batch_events: int


def read(headers: Headers, value: bytes | None, limits: Limits) -> Sequence[Event]:
    """The events of a message: one, or those of a batch, in its order.

    Raises EventRejected, BatchRejected, TooManyEvents, UnsupportedFormat.
    """
    content_type = _content_type(headers)
    mode = content_mode(content_type or "")
    _check_size(value, limits.batch_bytes if mode is ContentMode.BATCH else limits.event_bytes)
    if mode is ContentMode.BINARY:
        return [_read_binary(headers, value)]
    if mode is ContentMode.STRUCTURED:
        return [_read_structured(value)]
    return read_batch(value or b"", limits.batch_events)


def _content_type(headers: Headers) -> str | None:
    """What the one content-type header says, in whatever case its name is."""
    found = [
        value for name, value in headers if len(name) == _LENGTH and name.lower() == _CONTENT_TYPE
    ]
    if len(found) > 1:
        raise EventRejected("datacontenttype", "has two content-type headers")
    return _text("datacontenttype", found[0]) if found else None


def _text(attribute: str, value: bytes | None) -> str:
    """A header's value: UTF-8 as it is, never percent-encoded (3.2.3)."""
    if value is None:
        raise EventRejected(attribute, "has a header without a value")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EventRejected(attribute, "is not UTF-8") from None


def _check_size(value: bytes | None, limit: int) -> None:
    if value is not None and len(value) > limit:
        raise EventRejected(None, f"the message is longer than {limit} bytes")


def _read_binary(headers: Headers, value: bytes | None) -> Event:
    """One event, without data where the value is null or empty."""
    given = _given(headers)
    _check_required(given)
    # Kept from `from_kafka`, which would make a datetime of it, and lose digits.
    time = given.pop(_TIME, None)
    factory = event_of if time is None else partial(event_of, time=_text("time", time))
    message = KafkaMessage(headers=given, key=None, value=value or b"")
    try:
        return cast("Event", from_kafka(message, STRICT_JSON, factory))
    except UnicodeDecodeError:
        for name, text in given.items():
            _text(name.removeprefix(_PREFIX), text)
        raise


def _check_required(headers: Mapping[str, bytes]) -> None:
    """Raises EventRejected where one is absent; `from_kafka` would take it for structured."""
    for name in REQUIRED:
        if _PREFIX + name not in headers:
            if any(header.startswith(_PREFIX) for header in headers):
                raise EventRejected(name, f"is required, and there is no ce_{name} header")
            rule = f"the message has no ce_ headers, and its content-type is not {STRUCTURED}"
            raise EventRejected(None, rule)


def _given(headers: Headers) -> dict[str, bytes]:
    """The headers that are attributes, each once. Unlike in HTTP their names have a case."""
    given: dict[str, bytes] = {}
    for header, value in headers:
        name = header.lower()
        if not name.startswith(_PREFIX) and name != _CONTENT_TYPE:
            continue
        attribute = name.removeprefix(_PREFIX)
        if name not in {header, _CONTENT_TYPE}:
            raise EventRejected(None, "a ce_ header's name must be in lower case")
        if attribute == "datacontenttype":
            raise EventRejected(attribute, "must be the content-type header")
        if name in given:
            raise EventRejected(attribute, "has two headers")
        if value is None:
            raise EventRejected(attribute, "has a header without a value")
        given[name] = value
    return given


def _read_structured(value: bytes | None) -> Event:
    """One event; `ce_` headers beside it are copies at best (3.3.3) and are not looked at."""
    headers = {_CONTENT_TYPE: STRUCTURED.encode()}
    message = KafkaMessage(headers=headers, key=None, value=value or b"")
    return cast("Event", from_kafka(message, STRICT_JSON, event_of))
