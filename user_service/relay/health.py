"""Health and metrics of a relay, served on its admin port."""

from importlib.metadata import version

from flask import Flask
from sqlalchemy import Engine

from service_kit.access import guard
from service_kit.access.controls import controls
from service_kit.concurrency import run_here
from service_kit.http import app as service_app
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics
from user_service.access import KINDS
from user_service.relay import OUTCOMES, RelayStatus
from user_service.relay.circuit_breaker import PauseCause, SinkState
from user_service.settings import Settings
from user_service.store import outbox, outbox_metrics
from user_service.store.outbox import State
from user_service.store.tokens import Tokens
from user_service.store.transactions import StoreUnavailable, reading
from user_service.store.users import UserReader

LEASE = Gauge("user_service_relay_lease_held", "Whether this relay is the active one")
SINK = Gauge("user_service_relay_sink_open", "Whether the sink takes events, as far as is known")
PAUSED = Gauge("user_service_relay_paused", "Whether the relay is paused until an operator acts")


class SinkPaused(Exception):
    """The circuit breaker has paused the sink: an operator has to act."""


class TooManyDeadLetters(Exception):
    """One more would be too many: an operator has to replay or drop some."""


def create(engine: Engine, settings: Settings) -> tuple[Flask, RelayStatus]:
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
        (LEASE, SINK, PAUSED),
        lambda: {
            LEASE: status.active,
            SINK: status.sink is SinkState.AVAILABLE,
            PAUSED: status.paused_for is not None,
        },
    )
    outbox_metrics.register(metrics, engine)

    def check_sink() -> None:
        if status.paused_for not in {None, PauseCause.DEAD_LETTERS}:
            raise SinkPaused

    def check_dead_letters() -> None:
        if status.paused_for is PauseCause.DEAD_LETTERS:
            raise TooManyDeadLetters

    app = service_app.create(
        __name__,
        title="Relay of the user service",
        version=version("post-cloudevents"),
        problem_for={},
        checks={
            "database": UserReader(engine).ping,
            "sink": check_sink,
            "dead_letters": check_dead_letters,
        },
        reports={
            "lease": lambda: "held" if status.active else "standing by",
            "sink": lambda: status.sink.value,
            "paused_for": lambda: status.paused_for,
            "dead_letters": lambda: _dead_letters(engine),
        },
        metrics=metrics,
        hosts=settings.hosts_on(settings.relay_bind),
        shows_reports=guard.may_see_reports,
    )
    guards = controls(
        *(settings, KINDS, Tokens(engine).all),
        unavailable=(StoreUnavailable,),
        run=run_here,
        metrics=metrics,
    )
    guard.register(app, guards.access)
    return app, status


def _dead_letters(engine: Engine) -> int | None:
    """How many there are; None where the database is unavailable, which a check says."""
    try:
        with reading(engine) as connection:
            return outbox.count(connection, State.DEAD)
    except StoreUnavailable:
        return None
