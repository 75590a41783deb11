"""The line that each stored event has in the log of the service, whatever brought it."""

from collections.abc import Sequence

import structlog
from structlog.typing import FilteringBoundLogger

from audit_service.events import Event
from audit_service.log import Outcome, Receipt
from service_kit import logs

log = structlog.get_logger()


def tell(events: Sequence[Event], receipts: Sequence[Receipt]) -> None:
    """Log the lines of the events of one append."""
    with logs.gathered():
        bound = log.bind()
        for event, receipt in zip(events, receipts, strict=True):
            _report(bound, event, receipt)


def _report(bound: FilteringBoundLogger, event: Event, receipt: Receipt) -> None:
    """The line that tells of a stored event; a duplicate was told of when it was stored."""
    if receipt.outcome is Outcome.DUPLICATE:
        return
    found = (
        f"Found {event.id} from {event.source} with type {event.type} "
        f"and specversion {event.specversion}"
    )
    bound.info(found, position=receipt.position)
    if receipt.outcome is Outcome.CONFLICTING:
        bound.warning(
            "another event has the same source and id",
            id=event.id,
            source=event.source,
            position=receipt.position,
            conflicts_with=receipt.conflicts_with,
        )
