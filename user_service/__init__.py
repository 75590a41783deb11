"""Users, and an event for every change to one: no change without its event.

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
from user_service.delivery.direct import Direct, Outbox
from user_service.delivery.metrics import DeliveryMetrics
from user_service.settings import Settings
from user_service.sinks import open_sink
from user_service.sinks.sink import Sink
from user_service.store import database, outbox, outbox_metrics
from user_service.store.changes import ChangeStore
from user_service.store.transactions import reading
from user_service.store.users import UserStore
from user_service.users.passwords import Passwords
from user_service.users.service import Recording, Users

# How long after its deadline a request may still be storing its change.
STORING_SECONDS = 15


def create_app(settings: Settings) -> ServiceApp:
    """The WSGI application, for any server.

    Raises SchemaMismatch, OutboxNotEmpty, StoreUnavailable, and the database's errors where
    the schema is to be migrated.
    """
    engine = database.connect(
        settings.database_url,
        threads=settings.threads,
        password=settings.database_password.get_secret_value(),
    )
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        _prepare(settings, engine)
        undo.pop_all()
    store = UserStore(engine)
    changes = ChangeStore(
        engine,
        lapse=timedelta(seconds=settings.delivery_timeout + STORING_SECONDS),
        keys_kept=timedelta(hours=settings.idempotency_hours),
        outbox_max=settings.outbox_max,
    )
    admission = Admission(settings.threads)
    metrics = Metrics()
    outbox_metrics.register(metrics, engine)
    sink = open_sink(settings) if settings.delivery == "direct" else None
    recording, reports = _recording(settings, changes, sink, admission, metrics)
    passwords = Passwords(
        memory_kib=settings.argon2_memory_kib, iterations=settings.argon2_iterations
    )
    users = Users(
        store,
        changes,
        recording,
        passwords,
        password_min_length=settings.password_min_length,
    )
    app = service_app.create(
        __name__,
        title="User service",
        version=version("post-cloudevents"),
        problem_for=PROBLEM_FOR,
        checks={"database": store.ping},
        reports=reports,
        metrics=metrics,
    )
    json_request.register(app, routes.BODY_BYTES)
    app.register_blueprint(routes.blueprint(users, store, admission, settings.delivery_timeout))
    app.close_with(engine.dispose)
    if sink is not None:
        app.close_with(sink.close)
    return app


def _prepare(settings: Settings, engine: Engine) -> None:
    if settings.migrate:
        database.migrate(engine)
    database.check(engine)
    if settings.delivery == "direct":
        with reading(engine) as connection:
            outbox.check_empty(connection)


def _recording(
    settings: Settings,
    changes: ChangeStore,
    sink: Sink | None,
    admission: Admission,
    metrics: Metrics,
) -> tuple[Recording, Mapping[str, Report]]:
    """How a change and its event become one fact, and what readiness tells of it."""
    if sink is None:
        return Outbox(changes, settings.event_source), {}
    ended = DeliveryMetrics(metrics).ended
    delivery = Delivery(sink, threads=admission.places, ended=ended)
    report = partial(_sink_report, settings, delivery)
    return Direct(changes, delivery, settings.event_source), {"sink": report}


def _sink_report(settings: Settings, delivery: Delivery) -> dict[str, Any]:
    return {"url": _origin(settings.sink), **delivery.report()}


def _origin(url: str) -> str:
    """The URL without what could be secret in it: user, path and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
