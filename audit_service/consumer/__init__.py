"""Consumer: stores the events of a Kafka topic in the event log, in a process of its own.

At least once from the broker and exactly once in the log: a batch is stored first and its
offsets are committed then. A batch that is interrupted is read again, and those of its events
that were stored are duplicates. `consume` is the only place where the parts are wired.
"""

from contextlib import closing
from functools import partial

import structlog

from audit_service.consumer import health
from audit_service.consumer.batch_writer import BatchWriter
from audit_service.consumer.client import BadClient, admin, create
from audit_service.consumer.lag_monitor import LagMonitor
from audit_service.consumer.loop import Loop
from audit_service.consumer.metrics import ConsumerMetrics
from audit_service.consumer.partitions import Partitions
from audit_service.consumer.status import ConsumerStatus
from audit_service.log import EventLog, database_at, open_log
from audit_service.metrics import EventMetrics
from audit_service.rejected import open_rejected
from audit_service.settings import Settings
from service_kit.access.principal import ANYONE, Principal
from service_kit.disk_reserve import DiskReserve
from service_kit.kafka import topic_config, topic_url
from service_kit.kafka.client_secrets import secrets_of
from service_kit.kafka.topic_config import TopicUnreadable
from service_kit.kafka.topic_url import TopicUrl
from service_kit.metrics.registry import Metrics
from service_kit.process import admin_server
from service_kit.process.gc import tune_gc
from service_kit.process.malloc import tune_malloc
from service_kit.process.shutdown import stop_event

__all__ = ["BadClient", "consume"]

log = structlog.get_logger()

TOPIC_SECONDS = 5.0


def consume(settings: Settings) -> None:
    """Consume until SIGTERM or Ctrl-C, then finish and commit what was fetched, within 10 s.

    Raises LogUnavailable, SchemaMismatch and PortTaken at the start, BadClient where
    librdkafka refuses an option, and later only what no retry can mend.
    """
    # Before any other thread starts: a signal that reached one would end the process.
    stop = stop_event()
    url = topic_url.parse(settings.kafka)
    place = settings.database_url, settings.database_password.get_secret_value()
    metrics, status = Metrics(), ConsumerStatus()
    event_metrics, consumer_metrics = EventMetrics(metrics), ConsumerMetrics(metrics, status)
    backend = open_log(*place)
    disk = DiskReserve.of(database_at(*place), settings.disk_reserve)
    event_log = EventLog(
        backend,
        timeout=settings.commit_timeout,
        on_commit=event_metrics.committed,
        has_room=disk.has_room,
    )
    partitions = Partitions(status, consumer_metrics.rebalanced)
    loop = Loop(
        client=create(url, settings),
        topic=url.topic,
        partitions=partitions,
        batch_writer=BatchWriter(
            event_log,
            open_rejected(*place, disk.has_room),
            consumer_metrics.consumed,
            event_metrics.rejected,
            settings.kafka_sender or None,
        ),
        reader=settings.reader,
        sender=_sender(settings),
    )
    app = health.create(backend, status, metrics, settings, disk.reports())
    with (
        closing(backend),
        closing(app),
        closing(admin_server.start(app, settings.consumer_bind)),
    ):
        _log_durability_risks(url, settings)
        tune_gc()
        tune_malloc()
        with LagMonitor(partial(admin, url, settings), partitions, status):
            loop.run(stop)


def _sender(settings: Settings) -> Principal:
    """Whoever the topic's own access control lets in; what the log itself tells is not theirs."""
    if settings.auth != "tokens":
        return ANYONE
    return Principal(settings.kafka_sender or None, frozenset())


def _log_durability_risks(url: TopicUrl, settings: Settings) -> None:
    try:
        client = url.client(secrets_of(settings))
        topic_config.log_durability_risks(client, url.topic, TOPIC_SECONDS)
    except TopicUnreadable as reason:
        log.warning("the topic's configuration cannot be read", topic=url.topic, reason=str(reason))
