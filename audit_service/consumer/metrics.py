"""Metrics of the consumer, beside those of events: messages, rebalances, lag."""

from collections.abc import Mapping

from audit_service.consumer.status import ConsumerStatus
from service_kit.metrics.gauge import Gauge, Value
from service_kit.metrics.registry import Metrics

LAG = Gauge(
    "audit_service_consumer_lag",
    "Messages of a partition that are not yet stored and committed",
    ("topic", "partition"),
)
STOPPED = Gauge(
    "audit_service_consumer_stopped_partitions",
    "Partitions that nothing is read from, since the broker no longer has the next offset",
)


class ConsumerMetrics:
    """Counts messages and rebalances, and reads lag and stopped partitions when scraped."""

    def __init__(self, metrics: Metrics, status: ConsumerStatus) -> None:
        self._status = status
        consumed = metrics.counter(
            "audit_service_consumed_total",
            "Messages from Kafka that were stored, as events or as rejected",
        )
        rebalances = metrics.counter(
            "audit_service_rebalances_total",
            "Partitions that were assigned, revoked, or lost without notice, each time it happened",
            ["kind"],
        )
        self.consumed = consumed.inc
        self._by_kind = {
            kind: rebalances.labels(kind).inc for kind in ("assigned", "revoked", "lost")
        }
        metrics.gauges([LAG, STOPPED], self._read)

    def rebalanced(self, kind: str) -> None:
        """Count a rebalance: "assigned", "revoked" or "lost"."""
        self._by_kind[kind]()

    def _read(self) -> Mapping[Gauge, Value]:
        lag: Value = {(name, str(number)): n for (name, number), n in self._status.lag.items()}
        return {LAG: lag, STOPPED: float(len(self._status.stopped))}
