"""Limits of messages: how long, how many events, how many values."""

from dataclasses import dataclass
from typing import Final

from audit_service.events.event import EventRejected, Rule, TooManyValues
from service_kit import json_values


@dataclass(frozen=True)
class Limits:
    """The longest value of a single event and of a batch, in bytes; the most events of a batch;
    the most members and items of a JSON text, nested ones included.
    """

    event_bytes: int = 1024 * 1024
    batch_bytes: int = 10 * 1024 * 1024
    batch_events: int = 10_000
    json_values: int = 250_000

    def check_values(self, text: bytes) -> None:
        """Raises TooManyValues. MUST be called before the text is parsed, or it is too late."""
        if json_values.are_more_than(self.json_values, text):
            raise TooManyValues(self.json_values)

    def check_length(self, event: int) -> None:
        """Raises EventRejected where an event of a batch is longer than one may be."""
        if event > self.event_bytes:
            raise EventRejected(
                None, f"the event is longer than {self.event_bytes} bytes", Rule.SIZE
            )


DEFAULT_LIMITS: Final = Limits()
