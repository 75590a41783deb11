"""Reader of Kafka messages (Kafka Protocol Binding 1.0.2), and of batches, our extension.

`from_kafka` builds every single event. What it would lose or repair is checked before it is
called, or at its two seams, a format and a factory. It is never given the message's key, of
which it would make a `partitionkey` that the sender did not set (3.1: a key is no attribute).
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka

from audit_service.events import media_types
from audit_service.events.attributes import REQUIRED
from audit_service.events.content_mode import (
    STRUCTURED,
    ContentMode,
    EventFactory,
    content_mode,
    read_batch,
)
from audit_service.events.event import Event, EventRejected, Rule
from audit_service.events.limits import Limits
from audit_service.events.tolerance import STRICT, Leniency, Tolerances

Headers = Sequence[tuple[str, bytes | None]]
"""As librdkafka gives them: in their order, a name as often as it is there."""

_CONTENT_TYPE: Final = "content-type"
_LENGTH: Final = len(_CONTENT_TYPE)
_TIME: Final = "ce_time"
_PREFIX: Final = "ce_"


def read(
    headers: Headers, value: bytes | None, limits: Limits, tolerate: Tolerances = STRICT
) -> Sequence[Event]:
    """The events of a message: one, or those of a batch, in its order.

    `tolerate`: the deviations that are let in.
    Raises EventRejected, BatchRejected, TooManyEvents, TooManyValues, UnsupportedFormat.
    """
    content_type = _content_type(headers)
    mode = content_mode(content_type or "")
    _check_size(value, limits.batch_bytes if mode is ContentMode.BATCH else limits.event_bytes)
    if mode is ContentMode.BINARY:
        return [_read_binary(headers, value, limits, Leniency(tolerate))]
    if mode is ContentMode.STRUCTURED:
        return [_read_structured(value, limits, Leniency(tolerate))]
    return read_batch(value or b"", limits, tolerate)


def _content_type(headers: Headers) -> str | None:
    """What the one content-type header says, in whatever case its name is."""
    found = [
        value for name, value in headers if len(name) == _LENGTH and name.lower() == _CONTENT_TYPE
    ]
    if len(found) > 1:
        raise EventRejected("datacontenttype", "has two content-type headers", Rule.REPEATED)
    return _text("datacontenttype", found[0]) if found else None


def _text(attribute: str, value: bytes | None) -> str:
    """A header's value: UTF-8 as it is, never percent-encoded (3.2.3)."""
    if value is None:
        raise EventRejected(attribute, "has a header without a value", Rule.HEADER_VALUE)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EventRejected(attribute, "is not UTF-8", Rule.HEADER_VALUE) from None


def _check_size(value: bytes | None, limit: int) -> None:
    if value is not None and len(value) > limit:
        raise EventRejected(None, f"the message is longer than {limit} bytes", Rule.SIZE)


def _read_binary(
    headers: Headers, value: bytes | None, limits: Limits, leniency: Leniency
) -> Event:
    """One event, without data where the value is null or empty."""
    given = _given(headers)
    _check_required(given)
    _agree_on_media_type(given)
    kept = {
        name.removeprefix(_PREFIX): _text(name.removeprefix(_PREFIX), given.pop(name))
        for name in list(given)
        if name == _TIME or name != name.lower()
    }
    message = KafkaMessage(headers=given, key=None, value=value or b"")
    factory = EventFactory(leniency, limits, kept)
    try:
        return cast("Event", from_kafka(message, factory.json_format, factory))
    except UnicodeDecodeError:
        for name, text in given.items():
            _text(name.removeprefix(_PREFIX), text)
        raise


def _check_required(headers: Mapping[str, bytes]) -> None:
    """Raises EventRejected where one is absent; `from_kafka` would read a structured event."""
    for name in REQUIRED:
        if _PREFIX + name not in headers:
            if any(header.startswith(_PREFIX) for header in headers):
                raise EventRejected(
                    name, f"is required, and there is no ce_{name} header", Rule.REQUIRED
                )
            rule = f"the message has no ce_ headers, and its content-type is not {STRUCTURED}"
            raise EventRejected(None, rule, Rule.REQUIRED)


def _given(headers: Headers) -> dict[str, bytes]:
    """The headers that are attributes, each once, and an empty content-type is none.

    Unlike in HTTP their names have a case.
    """
    given: dict[str, bytes] = {}
    for header, value in headers:
        name = _CONTENT_TYPE if header.lower() == _CONTENT_TYPE else header
        if not name.lower().startswith(_PREFIX) and name != _CONTENT_TYPE:
            continue
        attribute = name[len(_PREFIX) :]
        if not name.startswith(_PREFIX) and name != _CONTENT_TYPE:
            raise EventRejected(None, "a ce_ header's name must be in lower case", Rule.NAME)
        if name in given:
            raise EventRejected(attribute, "has two headers", Rule.REPEATED)
        if value is None:
            raise EventRejected(attribute, "has a header without a value", Rule.HEADER_VALUE)
        if value or name != _CONTENT_TYPE:
            given[name] = value
    return given


def _agree_on_media_type(given: dict[str, bytes]) -> None:
    """Let content-type be the one place of the data's type.

    Every attribute has a `ce_` header (3.2.3), `datacontenttype` too; content-type MUST say
    the same where both are there (3.2.1).
    """
    declared = given.pop(_PREFIX + "datacontenttype", None)
    if declared is None:
        return
    text = _text("datacontenttype", declared)
    content_type = given.setdefault(_CONTENT_TYPE, declared)
    if media_types.parse(text) != media_types.parse(_text("datacontenttype", content_type)):
        raise EventRejected(
            "datacontenttype", "says another media type than content-type", Rule.DATACONTENTTYPE
        )


def _read_structured(value: bytes | None, limits: Limits, leniency: Leniency) -> Event:
    """One event; `ce_` headers beside it are copies at best (3.3.3) and are not looked at."""
    headers = {_CONTENT_TYPE: STRUCTURED.encode()}
    message = KafkaMessage(headers=headers, key=None, value=value or b"")
    factory = EventFactory(leniency, limits)
    return cast("Event", from_kafka(message, factory.json_format, factory))
