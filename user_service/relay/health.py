"""Health and metrics of a relay, served on its admin port."""

from importlib.metadata import version

from flask import Flask
from sqlalchemy import Engine

from service_kit.http import app as service_app
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics
from service_kit.settings.hosts import LOOPBACK, AllowedHosts
from user_service.relay import OUTCOMES, RelayStatus
from user_service.relay.circuit_breaker import SinkState
from user_service.store import outbox_metrics
from user_service.store.users import UserReader

LEASE = Gauge("user_service_relay_lease_held", "Whether this relay is the active one")
SINK = Gauge("user_service_relay_sink_open", "Whether the sink takes events, as far as is known")


class SinkPaused(Exception):
    """The circuit breaker has paused the sink: an operator has to act."""


def create(engine: Engine, hosts: AllowedHosts = LOOPBACK) -> tuple[Flask, RelayStatus]:
    """The application, and the status that the relay MUST keep up to date.

    A standby is ready; a relay whose sink is paused is not.
    """
    metrics = Metrics()
    events = metrics.counter(
        "user_service_relay_events_total",
        "What became of events that were sent: delivered, retried, or dead",
        ["outcome"],
    )
    ended = {outcome: events.labels(outcome) for outcome in OUTCOMES}
    status = RelayStatus(lambda outcome, number: ended[outcome].inc(number))
    metrics.gauges(
        (LEASE, SINK),
        lambda: {LEASE: status.active, SINK: status.sink is SinkState.AVAILABLE},
    )
    outbox_metrics.register(metrics, engine)

    def check_sink() -> None:
        if status.sink is SinkState.PAUSED:
            raise SinkPaused

    app = service_app.create(
        __name__,
        title="Relay of the user service",
        version=version("post-cloudevents"),
        problem_for={},
        checks={"database": UserReader(engine).ping, "sink": check_sink},
        reports={
            "lease": lambda: "held" if status.active else "standing by",
            "sink": lambda: status.sink.value,
        },
        metrics=metrics,
        hosts=hosts,
    )
    return app, status
