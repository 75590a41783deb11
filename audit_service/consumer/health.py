"""Health and metrics of the consumer, as a Flask application for its admin server."""

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType

from audit_service.consumer.status import ConsumerStatus
from audit_service.log import Backend
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.http.health import Report
from service_kit.metrics.registry import Metrics
from service_kit.settings.hosts import LOOPBACK, AllowedHosts


def create(
    backend: Backend,
    status: ConsumerStatus,
    metrics: Metrics,
    reports: Mapping[str, Report] = MappingProxyType({}),
    hosts: AllowedHosts = LOOPBACK,
) -> ServiceApp:
    """The application. It is ready where store and broker answer and no partition is stopped.

    `reports`: what readiness shows beside the lag.
    """
    return service_app.create(
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
        hosts=hosts,
    )
