"""User service: users, and an event for every change of one. No change is without its event.

`create_app` is the only place where its parts are put together.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy import Engine

from service_kit import database_url
from service_kit.disk_reserve import DiskReserve
from service_kit.http import app as service_app
from service_kit.http import json_request
from service_kit.http.app import ServiceApp
from service_kit.http.health import Report
from service_kit.metrics.registry import Metrics
from user_service.api import routes
from user_service.api.admission import Admission
from user_service.api.problems import PROBLEM_FOR
from user_service.delivery.deadline import Delivery
from user_service.delivery.direct import DirectDelivery
from user_service.delivery.metrics import DeliveryMetrics
from user_service.delivery.outbox import OutboxDelivery
from user_service.settings import Settings
from user_service.sinks import open_sink
from user_service.store import database, outbox, outbox_metrics, schema
from user_service.store.changes import ChangeStore
from user_service.store.transactions import reading
from user_service.store.users import UserReader
from user_service.users.passwords import Passwords
from user_service.users.service import ChangeRecorder, Users

STORING_SECONDS = 15
"""How long after its deadline a request may still be storing its change."""


def create_app(settings: Settings) -> ServiceApp:
    """The WSGI application, for any server.

    Raises SchemaMismatch, OutboxNotEmpty, StoreUnavailable, and the database's errors where
    the schema is to be migrated.
    """
    return app_on(_open_database(settings), settings)


def app_on(engine: Engine, settings: Settings) -> ServiceApp:
    """The application on a database that is open; it closes the database."""
    metrics = Metrics()
    admission = Admission(settings.threads)
    reader = UserReader(engine)
    disk = DiskReserve.of(database_url.parse(settings.database_url), settings.disk_reserve)
    changes = _change_store(engine, settings, disk)
    mode = (
        _direct_delivery(changes, settings, admission, metrics)
        if settings.delivery == "direct"
        else _outbox_delivery(changes, settings)
    )
    users = Users(changes, mode.recorder, _passwords(settings))
    app = service_app.create(
        __name__,
        title="User service",
        version=version("post-cloudevents"),
        problem_for=PROBLEM_FOR,
        checks={"database": reader.ping},
        reports={**mode.reports, **disk.reports()},
        metrics=metrics,
        hosts=settings.hosts_on(settings.bind),
    )
    outbox_metrics.register(metrics, engine)
    json_request.register(app, routes.BODY_BYTES)
    app.register_blueprint(routes.blueprint(users, reader, admission, settings.delivery_timeout))
    app.close_with(engine.dispose)
    app.close_with(mode.close)
    return app


@dataclass(frozen=True)
class _DeliveryMode:
    """A mode of delivery: its recorder, what readiness reports of it, and how it is closed."""

    recorder: ChangeRecorder
    reports: Mapping[str, Report]
    close: Callable[[], object]


def _direct_delivery(
    changes: ChangeStore, settings: Settings, admission: Admission, metrics: Metrics
) -> _DeliveryMode:
    sink = open_sink(settings)
    delivery = Delivery(sink, threads=admission.places, on_end=DeliveryMetrics(metrics).count)
    return _DeliveryMode(
        DirectDelivery(changes, delivery, settings.event_source),
        {"sink": lambda: {"url": settings.sink_origin, **delivery.report()}},
        sink.close,
    )


def _outbox_delivery(changes: ChangeStore, settings: Settings) -> _DeliveryMode:
    return _DeliveryMode(OutboxDelivery(changes, settings.event_source), {}, lambda: None)


def _open_database(settings: Settings) -> Engine:
    """The engine of a database that is ready for the mode of delivery that is set."""
    engine = database.open_engine(settings, threads=settings.threads)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        if settings.migrate:
            schema.migrate(engine)
        schema.check(engine)
        if settings.delivery == "direct":
            with reading(engine) as connection:
                outbox.check_empty(connection)
        undo.pop_all()
    return engine


def _change_store(engine: Engine, settings: Settings, disk: DiskReserve) -> ChangeStore:
    return ChangeStore(
        engine,
        expiry=timedelta(seconds=settings.delivery_timeout + STORING_SECONDS),
        keys_kept=timedelta(hours=settings.idempotency_hours),
        outbox_max=settings.outbox_max,
        has_room=disk.has_room,
    )


def _passwords(settings: Settings) -> Passwords:
    return Passwords(
        memory_kib=settings.argon2_memory_kib,
        iterations=settings.argon2_iterations,
        min_length=settings.password_min_length,
    )
