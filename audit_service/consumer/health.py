"""Health and metrics of the consumer, as a Flask application for its admin server."""

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType

from audit_service.access.scopes import KINDS
from audit_service.access.token_store import open_tokens
from audit_service.consumer.status import ConsumerStatus
from audit_service.log import Backend, LogUnavailable
from audit_service.settings import Settings
from service_kit.access import guard
from service_kit.access.controls import controls
from service_kit.concurrency import run_here
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.http.health import Report
from service_kit.metrics.registry import Metrics


def create(
    backend: Backend,
    status: ConsumerStatus,
    metrics: Metrics,
    settings: Settings,
    reports: Mapping[str, Report] = MappingProxyType({}),
) -> ServiceApp:
    """The application. It is ready where store and broker answer and no partition is stopped.

    `reports`: what readiness shows beside the lag.
    """
    app = service_app.create(
        __name__,
        title="Audit service, consumer",
        version=version("post-cloudevents"),
        problem_for={},
        checks={
            "database": backend.ping,
            "broker": status.check_broker,
            "offsets": status.check_offsets,
        },
        reports={"lag": status.lag_by_name, **reports},
        metrics=metrics,
        hosts=settings.hosts_on(settings.consumer_bind),
        shows_reports=guard.may_see_reports,
    )
    tokens = open_tokens(settings.database_url, settings.database_password.get_secret_value())
    guards = controls(
        *(settings, KINDS, tokens.all),
        unavailable=(LogUnavailable,),
        run=run_here,
        metrics=metrics,
    )
    guard.register(app, guards.access)
    app.close_with(tokens.close)
    return app
