"""User service: users, and an event for every change of one. No change is without its event.

`create_app` is the only place where its parts are put together.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine

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
from user_service.sinks.sink import OpenSink
from user_service.store import database, outbox, outbox_metrics
from user_service.store.changes import ChangeStore
from user_service.store.transactions import BUSY_SECONDS, reading
from user_service.store.users import UserReader
from user_service.users.passwords import Passwords
from user_service.users.service import ChangeRecorder, Users

# How long after its deadline a request may still be storing its change.
STORING_SECONDS = 15


def create_app(settings: Settings, *, lock_seconds: float = BUSY_SECONDS) -> ServiceApp:
    """The WSGI application, for any server.

    `lock_seconds`: the longest wait for a lock of the database. Raises SchemaMismatch,
    OutboxNotEmpty, StoreUnavailable, and the database's errors where the schema is to be migrated.
    """
    engine = _open_database(settings, lock_seconds)
    sink = open_sink(settings) if settings.delivery == "direct" else None
    metrics = Metrics()
    outbox_metrics.register(metrics, engine)
    admission = Admission(settings.threads)
    reader = UserReader(engine)
    changes = _change_store(settings, engine)
    recorder, reports = _recorder(settings, changes, sink, admission, metrics)
    users = Users(
        changes,
        recorder,
        Passwords(
            memory_kib=settings.argon2_memory_kib,
            iterations=settings.argon2_iterations,
            min_length=settings.password_min_length,
        ),
    )
    app = service_app.create(
        __name__,
        title="User service",
        version=version("post-cloudevents"),
        problem_for=PROBLEM_FOR,
        checks={"database": reader.ping},
        reports=reports,
        metrics=metrics,
    )
    json_request.register(app, routes.BODY_BYTES)
    app.register_blueprint(routes.blueprint(users, reader, admission, settings.delivery_timeout))
    app.close_with(engine.dispose)
    if sink is not None:
        app.close_with(sink.close)
    return app


def _open_database(settings: Settings, lock_seconds: float) -> Engine:
    """The engine of a database that is ready for the way of delivery that is set."""
    engine = database.open_engine(settings, threads=settings.threads, lock_seconds=lock_seconds)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        if settings.migrate:
            database.migrate(engine)
        database.check(engine)
        if settings.delivery == "direct":
            with reading(engine) as connection:
                outbox.check_empty(connection)
        undo.pop_all()
    return engine


def _change_store(settings: Settings, engine: Engine) -> ChangeStore:
    return ChangeStore(
        engine,
        expiry=timedelta(seconds=settings.delivery_timeout + STORING_SECONDS),
        keys_kept=timedelta(hours=settings.idempotency_hours),
        outbox_max=settings.outbox_max,
    )


def _recorder(
    settings: Settings,
    changes: ChangeStore,
    sink: OpenSink | None,
    admission: Admission,
    metrics: Metrics,
) -> tuple[ChangeRecorder, Mapping[str, Report]]:
    """The way of delivery, and what readiness reports of it."""
    if sink is None:
        return OutboxDelivery(changes, settings.event_source), {}
    delivery = Delivery(sink, threads=admission.places, ended=DeliveryMetrics(metrics).ended)
    report = partial(_sink_report, settings, delivery)
    return DirectDelivery(changes, delivery, settings.event_source), {"sink": report}


def _sink_report(settings: Settings, delivery: Delivery) -> dict[str, Any]:
    return {"url": _origin(settings.sink), **delivery.report()}


def _origin(url: str) -> str:
    """The URL without what could be secret in it: user, path and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
