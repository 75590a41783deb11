"""Rejected messages that the command line redrives or drops, as the log tells of it."""

from collections.abc import Sequence

from audit_service.access.own_events import COMMAND_LINE, Told, own_entries
from audit_service.log import Entry
from audit_service.rejected import StoredRejection
from audit_service.settings import Settings


def told_of(settings: Settings, told: Told, rejection: StoredRejection) -> Sequence[Entry]:
    """What is to be appended: nothing where access is not controlled."""
    return own_entries(
        *(told, COMMAND_LINE, f"{rejection.id}", rejection.message.told()),
        is_telling=settings.auth == "tokens",
    )
