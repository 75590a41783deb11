"""Reader: messages of both transports, read by one set of limits and tolerances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit_service.events import http_binding, kafka_binding
from audit_service.events.event import Event
from audit_service.events.kafka_binding import Headers
from audit_service.events.limits import Limits
from audit_service.events.tolerance import STRICT, Tolerances


@dataclass(frozen=True)
class EventReader:
    """Reads strictly, but for the deviations that it tolerates.

    Both methods raise what REJECTIONS lists.
    """

    limits: Limits
    tolerate: Tolerances = STRICT

    def http(self, headers: Mapping[str, str], body: bytes) -> Sequence[Event]:
        """The events of an HTTP message; `headers` by lower-case name, as WSGI gives them."""
        return http_binding.read(headers, body, self.limits, self.tolerate)

    def kafka(self, headers: Headers, value: bytes | None) -> Sequence[Event]:
        """The events of a Kafka message."""
        return kafka_binding.read(headers, value, self.limits, self.tolerate)
