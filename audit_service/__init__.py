"""A sink for CloudEvents: what it acknowledged is on disk, exactly once, unaltered.

`create_app` is the only place where its parts are put together.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from flask import Flask

from audit_service.api import query, receive
from audit_service.events import BatchRejected, EventRejected, TooManyEvents, UnsupportedFormat
from audit_service.log import EventLog, LogUnavailable, Measured, migrate, open_log
from audit_service.metrics import EventMetrics
from audit_service.rejected import HttpRecorder, open_rejected
from audit_service.settings import Settings
from service_kit.http import app as service_app
from service_kit.http.problems import Problem
from service_kit.metrics.registry import Metrics

PROBLEM_FOR: dict[type[Exception], Callable[[Any], Problem]] = {
    EventRejected: receive.problem_of_event,
    BatchRejected: receive.problem_of_batch,
    TooManyEvents: receive.problem_of_size,
    UnsupportedFormat: receive.problem_of_format,
    LogUnavailable: receive.problem_of_log,
}


def create_app(settings: Settings) -> Flask:
    """The WSGI application, for any server. `app.extensions["event_log"]` is its log.

    Raises LogUnavailable, SchemaMismatch.
    """
    place = settings.database_url, settings.database_password.get_secret_value()
    if settings.migrate:
        migrate(*place)
    metrics = Metrics()
    counted = EventMetrics(metrics)
    backend = Measured(open_log(*place), counted.committed)
    event_log = EventLog(backend, timeout=settings.commit_patience)
    app = service_app.create(
        __name__,
        title="Audit service",
        version=version("post-cloudevents"),
        problem_for=PROBLEM_FOR,
        checks={"database": event_log.ping},
        metrics=metrics,
    )
    recorder = HttpRecorder(open_rejected(*place), settings.keep_rejected)
    app.register_blueprint(receive.blueprint(event_log, settings, counted, recorder.record))
    app.register_blueprint(query.blueprint(event_log))
    app.extensions["event_log"] = event_log
    return app
