"""Metrics of direct deliveries."""

from service_kit.metrics.registry import Metrics
from user_service.delivery.deadline import DELIVERED
from user_service.delivery.settler import Settled
from user_service.sinks.sink import Outcome

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)


class DeliveryMetrics:
    """Counts direct deliveries. Safe for any number of threads."""

    def __init__(self, metrics: Metrics) -> None:
        events = metrics.counter(
            "user_service_events_total",
            "Events that were sent before their change is made, by what is known of them",
            ["outcome"],
        )
        outcomes = [DELIVERED, *(each.value for each in Outcome)]
        self._by_outcome = {each: events.labels(each).inc for each in outcomes}
        self._seconds = metrics.histogram(
            "user_service_delivery_seconds",
            "Sending such an event, until its outcome is known or nobody waits any longer",
            buckets=_SECONDS,
        )
        settled = metrics.counter(
            "user_service_settled_changes_total",
            "Changes that were left behind and are settled: completed, withdrawn, or dropped",
            ["result"],
        )
        self._by_result = {each: settled.labels(each.value).inc for each in Settled}

    def count(self, outcome: str, seconds: float) -> None:
        """Count a delivery that has ended."""
        self._by_outcome[outcome]()
        self._seconds.observe(seconds)

    def count_settled(self, result: Settled) -> None:
        """Count a change that was left behind and is settled."""
        self._by_result[result]()
