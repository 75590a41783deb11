"""Own events: what the log tells of itself, who did what to it, while access is controlled."""

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import orjson

from audit_service.access.bounds import OWN_SOURCE
from audit_service.events import Event, JsonText
from audit_service.log import Entry, EventLog, hashed, stored_line
from audit_service.log.backend import OWN_SENDER
from service_kit.access.principal import Principal
from service_kit.clock import now, rfc3339

ONCE_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 10_000
COMMAND_LINE: Final = "command line"
"""The principal's name where a command of ours did it."""


class Told(StrEnum):
    """Types of own events."""

    TOKEN_CREATED = "audit.token.created"
    TOKEN_ROTATED = "audit.token.rotated"
    TOKEN_REVOKED = "audit.token.revoked"
    EXPORTED = "audit.exported"
    READ = "audit.read"
    REDRIVEN = "audit.rejected.redriven"
    DROPPED = "audit.rejected.dropped"
    SOURCE_REFUSED = "audit.source.refused"


def own_entries(
    told: Told, by: str | None, subject: str | None, data: Mapping[str, Any], *, is_telling: bool
) -> Sequence[Entry]:
    """What is to be appended with what somebody did, if anything. `data` MUST have no secret."""
    if not is_telling:
        return []
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": OWN_SOURCE,
        "type": told.value,
        "time": rfc3339(now()),
        "datacontenttype": "application/json",
    }
    if subject is not None:
        attributes["subject"] = subject
    text = JsonText(orjson.dumps({"principal": by, **data}))
    return hashed([Event(attributes, text)], sender=OWN_SENDER)


class OwnEvents:
    """Tells of what principals do. For callers of the event log's concurrency."""

    def __init__(
        self,
        event_log: EventLog,
        *,
        is_telling: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_telling`: whether access is controlled."""
        self._event_log = event_log
        self.is_telling = is_telling
        self._clock = clock
        self._told_at: dict[bytes, float] = {}

    def entries(
        self, told: Told, principal: Principal, subject: str | None = None, **data: Any
    ) -> Sequence[Entry]:
        """What is to be appended with what it is about, if anything."""
        return own_entries(told, principal.name, subject, data, is_telling=self.is_telling)

    def tell(
        self, told: Told, principal: Principal, subject: str | None = None, **data: Any
    ) -> None:
        """Append it, on a disk that is full for others, too: what it tells of goes on there. Raises
        LogUnavailable.
        """
        if entries := self.entries(told, principal, subject, **data):
            receipts = self._event_log.append_entries(entries, in_reserve=True)
            stored_line.log_stored([each.event for each in entries], receipts, OWN_SENDER)

    def tell_once_a_minute(self, told: Told, principal: Principal, key: str, **data: Any) -> None:
        """Append it, unless the same of the same principal was a moment ago. Likewise."""
        if not self.is_telling:
            return
        name = f"{told} {principal.name} {key}".encode(errors="surrogatepass")
        about, at = hashlib.sha256(name).digest(), self._clock()
        if at - self._told_at.get(about, float("-inf")) < ONCE_SECONDS:
            return
        if len(self._told_at) >= MOST_REMEMBERED:
            self._told_at.clear()
        self.tell(told, principal, **data)
        self._told_at[about] = at
