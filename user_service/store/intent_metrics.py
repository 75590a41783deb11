"""Metrics of the intents of direct delivery."""

from collections.abc import Mapping

from sqlalchemy import Engine

from service_kit.metrics.gauge import Gauge, Value
from service_kit.metrics.registry import Metrics
from user_service.store import intents
from user_service.store.transactions import reading

UNSETTLED = Gauge(
    "user_service_unsettled_changes", "Changes that are begun, and neither made nor given up"
)


def register(metrics: Metrics, engine: Engine) -> None:
    """Register the gauge; each scrape counts the intents."""

    def read() -> Mapping[Gauge, Value]:
        with reading(engine) as connection:
            return {UNSETTLED: intents.count(connection)}

    metrics.gauges((UNSETTLED,), read)
