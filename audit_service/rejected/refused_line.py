"""Log line of a refused delivery: the attribute and the rule, never the value."""

from typing import Any

import structlog

from audit_service.events import BatchRejected, EventRejected

log = structlog.get_logger()


def log_refused(error: Exception, **where: Any) -> None:
    """One warning for a delivery; of a batch, the first bad item and how many there are."""
    log.warning("a delivery was refused", **_described(error), **where)


def _described(error: Exception) -> dict[str, Any]:
    if isinstance(error, BatchRejected):
        index, first = next(iter(error.items.items()))
        return {**_described(first), "index": index, "bad_items": len(error.items)}
    if isinstance(error, EventRejected):
        return {"attribute": error.attribute, "rule": error.rule}
    return {"rule": str(error)}
