"""Log line of each stored event, whatever transport it came by."""

from collections.abc import Mapping, Sequence

import structlog

from audit_service.events import Event
from audit_service.log import Outcome, Receipt
from service_kit import logs

log = structlog.get_logger()


def log_stored(
    events: Sequence[Event], receipts: Sequence[Receipt], sender: str | None = None
) -> None:
    """A line for each stored event of a sender; a duplicate had its line when it was stored."""
    stored = zip(events, receipts, strict=True)
    new = [(e, receipt) for e, receipt in stored if receipt.outcome is not Outcome.DUPLICATE]
    logs.info_many((_found_line(event), _fields(event, receipt, sender)) for event, receipt in new)
    for event, receipt in new:
        if receipt.outcome is Outcome.CONFLICTING:
            log.warning(
                "another event has the same source and id",
                id=event.id,
                source=event.source,
                position=receipt.position,
                conflicts_with=receipt.conflicts_with,
            )


def _fields(event: Event, receipt: Receipt, sender: str | None) -> Mapping[str, object]:
    fields: dict[str, object] = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.attributes.get("subject"),
        "position": receipt.position,
    }
    if event.tolerated:
        fields["tolerated"] = event.tolerated
    if sender is not None:
        fields["sender"] = sender
    return fields


def _found_line(event: Event) -> str:
    return (
        f"Found {event.id} from {event.source} with type {event.type} "
        f"and specversion {event.specversion}"
    )
