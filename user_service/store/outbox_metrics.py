"""Metrics of the outbox."""

from collections.abc import Mapping
from functools import partial

from sqlalchemy import Engine

from service_kit.metrics.gauge import Gauge, Value
from service_kit.metrics.registry import Metrics
from user_service.store import outbox
from user_service.store.transactions import reading

WAITING = Gauge("user_service_outbox_waiting", "Events that wait to be delivered")
OLDEST = Gauge("user_service_outbox_oldest_seconds", "How long the oldest of them has waited")
DEAD = Gauge("user_service_outbox_dead_letters", "Events that the sink will not accept")


def register(metrics: Metrics, engine: Engine) -> None:
    """Register the gauges; each scrape reads the outbox."""
    metrics.gauges((WAITING, OLDEST, DEAD), partial(_read, engine))


def _read(engine: Engine) -> Mapping[Gauge, Value]:
    with reading(engine) as connection:
        summary = outbox.summary(connection)
    return {WAITING: summary.waiting, OLDEST: summary.oldest_seconds, DEAD: summary.dead}
