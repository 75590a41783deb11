"""Modes of delivery: what a service consists of in each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service_kit.http.health import Report
from service_kit.metrics.registry import Metrics
from service_kit.process.periodic import Task
from user_service.delivery.deadline import Delivery
from user_service.delivery.direct import DirectDelivery
from user_service.delivery.metrics import DeliveryMetrics
from user_service.delivery.outbox import OutboxDelivery
from user_service.delivery.settler import Settler
from user_service.settings import Settings
from user_service.sinks import open_sink
from user_service.store.changes import ChangeStore
from user_service.store.unsettled_intents import UnsettledIntents
from user_service.users.service import ChangeRecorder

STORING_SECONDS: Final = 15
"""How long after its deadline a request may still be storing its change."""


@dataclass(frozen=True)
class DeliveryMode:
    """A mode of delivery: its recorder, what readiness reports of it, its tasks, its end."""

    recorder: ChangeRecorder
    reports: Mapping[str, Report]
    tasks: Sequence[Task]
    close: Callable[[], object]


def open_mode(
    unsettled: UnsettledIntents,
    changes: ChangeStore,
    settings: Settings,
    places: int,
    metrics: Metrics,
) -> DeliveryMode:
    """The mode that is set; `places`: how many changes are delivered at once."""
    if settings.delivery == "direct":
        return _direct_delivery(unsettled, changes, settings, places, metrics)
    return _outbox_delivery(changes, settings)


def _direct_delivery(
    unsettled: UnsettledIntents,
    changes: ChangeStore,
    settings: Settings,
    places: int,
    metrics: Metrics,
) -> DeliveryMode:
    sink = open_sink(settings)
    counted = DeliveryMetrics(metrics)
    delivery = Delivery(sink, threads=places, on_end=counted.count)
    settler = Settler(
        unsettled,
        changes,
        # A thread of its own: a request that waits for the sink does not keep it from settling.
        Delivery(sink, threads=1, on_end=counted.count),
        patience=settings.delivery_timeout + STORING_SECONDS,
        timeout=settings.delivery_timeout,
        on_settled=counted.count_settled,
    )
    return DeliveryMode(
        DirectDelivery(changes, delivery, settings.event_source),
        {"sink": lambda: {"url": settings.sink_origin, **delivery.report()}},
        [settler.settle],
        sink.close,
    )


def _outbox_delivery(changes: ChangeStore, settings: Settings) -> DeliveryMode:
    return DeliveryMode(OutboxDelivery(changes, settings.event_source), {}, [], lambda: None)
