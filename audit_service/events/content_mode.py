"""Content modes, and what all transports share of reading them."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, cast

import orjson

from audit_service.events import lossless_json, media_types, strict_json
from audit_service.events.attributes import check
from audit_service.events.event import (
    BatchRejected,
    Event,
    EventRejected,
    Rule,
    TooManyEvents,
    UnsupportedFormat,
)
from audit_service.events.json_format import StrictJsonFormat
from audit_service.events.limits import Limits
from audit_service.events.strict_json import NotJson
from audit_service.events.tolerance import STRICT, Leniency, Tolerances

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"


class ContentMode(Enum):
    """How a message carries events (HTTP and Kafka bindings, 1.3)."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCH = "batch"


def content_mode(content_type: str) -> ContentMode:
    """The mode that a content type announces, "" where there is none (both bindings, 3).

    Raises UnsupportedFormat for an event format, or a charset of it, that is not read here.
    """
    if not content_type.lstrip().lower().startswith("application/cloudevents"):
        return ContentMode.BINARY
    essence = media_types.essence(content_type)
    if essence not in {STRUCTURED, BATCH}:
        raise UnsupportedFormat(f"only {STRUCTURED} and {BATCH} are read here")
    if not media_types.is_utf8(content_type):
        raise UnsupportedFormat("JSON is read in UTF-8 only")
    return ContentMode.STRUCTURED if essence == STRUCTURED else ContentMode.BATCH


class EventFactory:
    """The factory that the SDK calls: the seam at which attributes are validated.

    `kept`: attributes that were kept from the SDK, since it would alter them: a datetime has
    fewer digits than `time` may, and a header's name has no case.
    """

    __slots__ = ("_kept", "json_format", "leniency")

    def __init__(
        self, leniency: Leniency, limits: Limits, kept: Mapping[str, str] | None = None
    ) -> None:
        self.leniency = leniency
        self.json_format = StrictJsonFormat(leniency, limits)
        self._kept = kept

    def __call__(self, attributes: dict[str, Any], data: Any) -> Event:
        """The event. Raises EventRejected."""
        if self._kept:
            attributes.update(self._kept)
        checked = MappingProxyType(check(attributes, self.leniency))
        return Event(checked, data, self.leniency.used)


def read_batch(body: bytes, limits: Limits, tolerate: Tolerances = STRICT) -> Sequence[Event]:
    """The events of a batch, in its order.

    Raises EventRejected, BatchRejected, TooManyEvents, TooManyValues.
    """
    events: list[Event] = []
    rejected: dict[int, EventRejected] = {}
    factory = EventFactory(Leniency(tolerate), limits)
    for index, (value, text) in enumerate(_items(body, limits)):
        if factory.leniency.used:
            # Anew, for what an event needs is its own; else there is nothing to forget.
            factory = EventFactory(Leniency(tolerate), limits)
        try:
            if len(body) > limits.event_bytes:
                limits.check_length(_length(value, text))
            events.append(_read_item(value, text, events, factory))
        except EventRejected as rejection:
            # Anew, without the traceback: thousands of them would fill the memory.
            rejected[index] = EventRejected(rejection.attribute, rejection.rule, rejection.code)
    if rejected:
        raise BatchRejected(rejected)
    return events


def _items(body: bytes, limits: Limits) -> Iterator[tuple[Any, str | None]]:
    """Each item: its value and source text, or None where the value is lossless."""
    limits.check_values(body)
    for count, item in enumerate(_every_item(body), 1):
        if count > limits.batch_events:
            raise TooManyEvents(limits.batch_events)
        yield item


def _every_item(body: bytes) -> Iterator[tuple[Any, str | None]]:
    count = 0
    for value in lossless_json.lossless_items(body):
        if value is lossless_json.LOSSY:
            break
        count += 1
        yield value, None
    else:
        return
    try:
        # One at a time, for the values of all would take ten times the memory of their text.
        yield from islice(strict_json.items(strict_json.text_of(body)), count, None)
    except NotJson as reason:
        raise EventRejected(None, f"the batch is not JSON: {reason}", Rule.JSON) from None


def _length(value: Any, text: str | None) -> int:
    """Bytes of an item as it came."""
    return len(orjson.dumps(value) if text is None else text.encode(errors="surrogatepass"))


def _read_item(
    value: Any, text: str | None, before: Sequence[Event], factory: EventFactory
) -> Event:
    """The next event of a batch, after those that were read before it (3.3.2).

    The SDK knows no batches; the format and the factory that read a single event read it.
    """
    event = cast("Event", factory.json_format.event_of(value, text, factory))
    if before and event.specversion != before[0].specversion:
        raise EventRejected(
            "specversion", "must be the same in all events of a batch", Rule.SPECVERSION
        )
    return event
