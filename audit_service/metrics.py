"""Metrics of events: stored, rejected, and the commits that stored them."""

from collections.abc import Iterable, Sequence
from typing import Final

from audit_service.access.bounds import SourceForbidden
from audit_service.events import (
    BatchRejected,
    EventRejected,
    Rule,
    TooManyEvents,
    TooManyValues,
    UnsupportedFormat,
)
from audit_service.log import Outcome, Receipt
from service_kit.metrics.registry import Metrics

REASONS: Final[dict[type[Exception], str]] = {
    EventRejected: "event",
    BatchRejected: "batch",
    TooManyEvents: "batch-size",
    TooManyValues: "json-values",
    UnsupportedFormat: "format",
    SourceForbidden: "source",
}
"""Why a delivery was refused, by what was raised."""

_EVENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)


class EventMetrics:
    """Counts events by outcome and deliveries by reason. Safe for any number of threads."""

    def __init__(self, metrics: Metrics) -> None:
        events = metrics.counter(
            "audit_service_events_total",
            "Events that were acknowledged: stored, a duplicate of one that is, or stored "
            "though they conflict with one",
            ["outcome"],
        )
        rejected = metrics.counter(
            "audit_service_rejected_total",
            "Deliveries that were refused, a batch being one, by what was wrong: the event, one "
            "of the batch's, the batch's size, how many values the JSON has, the format, the "
            "sender's sources, or the body's length",
            ["reason"],
        )
        self._by_outcome = [(each, events.labels(each.value).inc) for each in Outcome]
        self._by_error = {error: rejected.labels(why).inc for error, why in REASONS.items()}
        self._body = rejected.labels("body").inc
        broken = metrics.counter(
            "audit_service_broken_rules_total",
            "Events that were refused, each item of a batch being one, by the kind of rule",
            ["rule"],
        )
        self._by_rule = {rule: broken.labels(rule.value).inc for rule in Rule}
        self.not_kept = metrics.counter(
            "audit_service_rejected_not_kept_total",
            "Messages that were refused over HTTP faster than they are kept",
        ).inc
        self._commit_events = metrics.histogram(
            "audit_service_commit_events",
            "Events of one commit",
            buckets=_EVENTS,
        )
        self._commit_seconds = metrics.histogram(
            "audit_service_commit_seconds",
            "One commit, from waiting for the writers of other processes until it is on disk",
            buckets=_SECONDS,
        )

    def committed(self, receipts: Sequence[Receipt], seconds: float) -> None:
        """Count the events of a commit."""
        outcomes = [receipt.outcome for receipt in receipts]
        for outcome, count in self._by_outcome:
            number = outcomes.count(outcome)
            if number:
                count(number)
        self._commit_events.observe(len(receipts))
        self._commit_seconds.observe(seconds)

    def rejected(self, error: Exception) -> None:
        """Count a delivery that was refused by one of REASONS, or else because of its body."""
        reasons = (count for kind, count in self._by_error.items() if isinstance(error, kind))
        next(reasons, self._body)()
        for rule in _broken_rules(error):
            self._by_rule[rule]()


class StreamMetrics:
    """What is counted of streams: those that are open are the opened less the closed."""

    def __init__(self, metrics: Metrics) -> None:
        self.opened = metrics.counter(
            "audit_service_streams_opened_total", "Live streams of events that were opened"
        ).inc
        self.closed = metrics.counter(
            "audit_service_streams_closed_total", "Live streams of events that have ended"
        ).inc


def _broken_rules(error: Exception) -> Iterable[Rule]:
    if isinstance(error, BatchRejected):
        return [item.code for item in error.items.values()]
    if isinstance(error, EventRejected):
        return [error.code]
    if isinstance(error, SourceForbidden):
        return []
    return [Rule.FORMAT if isinstance(error, UnsupportedFormat) else Rule.SIZE]
