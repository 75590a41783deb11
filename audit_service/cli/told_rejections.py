"""Rejected messages that the command line redrives or drops, as the log tells of it."""

from collections.abc import Sequence

from audit_service.access.own_events import Told, own_entry
from audit_service.log import Entry
from audit_service.rejected import StoredRejection
from audit_service.settings import Settings

BY = "command line"


def told_of(settings: Settings, told: Told, rejection: StoredRejection) -> Sequence[Entry]:
    """What is to be appended: nothing where access is not controlled."""
    if settings.auth != "tokens":
        return []
    message = rejection.message
    data = {
        "principal": BY,
        "sender": message.sender,
        "reason": message.reason,
        "digest": message.digest.hex(),
    }
    return [own_entry(told, f"{rejection.id}", data)]
