"""Message from Kafka, read: its events, or the reason why it has none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import cast

import structlog
from confluent_kafka import Message

from audit_service.access.bounds import SourceForbidden, check_sources
from audit_service.events import REJECTIONS, Event, EventRejected, Rule
from audit_service.events.kafka_binding import Headers
from audit_service.events.reader import EventReader
from audit_service.log import Origin
from audit_service.rejected import RejectedMessage
from service_kit.access.principal import ANYONE, Principal

log = structlog.get_logger()

# The client gives a list with holes in it, as well as an error, where a header's name is not
# UTF-8; to look into the list ends the process. A plain call of the method, once it has been made
# often, no longer looks for the error; a call through this always does. Only the first call for a
# message finds it.
_ASK_FOR_HEADERS = methodcaller("headers")

OnRejected = Callable[[Exception], None]
"""Called with the reason why a message is rejected."""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """`raw`: the message's headers, key and value, so that it can be rejected later, too.

    `error`: why it is no event; then it has no events.
    """

    origin: Origin
    raw: tuple[Headers, bytes | None, bytes | None]
    events: Sequence[Event]
    error: Exception | None = None

    @property
    def rejected(self) -> RejectedMessage:
        """The message as it is kept when it is rejected."""
        return RejectedMessage(*self.raw, str(self.error), self.origin)

    def rejected_for(self, error: Exception) -> "IncomingMessage":
        """The same message, rejected for that reason."""
        return IncomingMessage(self.origin, self.raw, (), error)


def read_message(
    message: Message, reader: EventReader, sender: Principal = ANYONE
) -> IncomingMessage:
    """The message of that sender, read strictly. MUST NOT raise, whatever it is: it would block its
    partition.
    """
    origin = Origin(str(message.topic()), message.partition() or 0, message.offset() or 0)
    key, value = message.key(), message.value()
    try:
        headers = _headers(message)
    except EventRejected as error:
        return IncomingMessage(origin, ([], key, value), (), error)
    raw = headers, key, value
    try:
        events = reader.kafka(headers, value)
        check_sources(sender, events)
        return IncomingMessage(origin, raw, events)
    except (*REJECTIONS, SourceForbidden) as error:
        return IncomingMessage(origin, raw, (), error)
    except Exception as error:
        log.exception("a message could not be read", origin=origin)
        return IncomingMessage(origin, raw, (), processing_error(error))


def processing_error(error: Exception) -> EventRejected:
    """The rejection of a message that an error of our own kept from being processed."""
    reason = f"the message cannot be processed: {type(error).__name__}"
    return EventRejected(None, reason, Rule.OTHER)


def _headers(message: Message) -> Headers:
    try:
        headers = _ASK_FOR_HEADERS(message)
    except (SystemError, UnicodeDecodeError):
        rule = "a header's name is not UTF-8; the headers could not be kept"
        raise EventRejected(None, rule, Rule.NAME) from None
    # A consumed message has a list, of bytes; the hint is that of messages to produce, too.
    return cast("Headers", headers or ())
