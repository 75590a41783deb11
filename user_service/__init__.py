"""User service: users, and an event for every change of one. No change is without its event.

`create_app` is the only place where its parts are put together.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy import Engine

from service_kit import database_url
from service_kit.access import guard, openapi, session_routes
from service_kit.access.controls import controls
from service_kit.access.token_cache import TOKEN_TIMING, TokenTiming
from service_kit.concurrency import THREADS, Concurrency
from service_kit.disk_reserve import DiskReserve
from service_kit.http import api_docs, json_request, landing_page
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.metrics.registry import Metrics
from service_kit.process.periodic import PeriodicThread, Task
from user_service.access import KINDS
from user_service.api import routes
from user_service.api.admission import Admission
from user_service.api.problems import PROBLEM_FOR
from user_service.delivery.modes import open_mode
from user_service.settings import Settings
from user_service.store import (
    database,
    intent_metrics,
    intents,
    outbox,
    outbox_metrics,
    schema,
)
from user_service.store.changes import ChangeStore
from user_service.store.running_time import RunningTime
from user_service.store.tokens import Tokens
from user_service.store.transactions import StoreUnavailable, reading
from user_service.store.unsettled_intents import UnsettledIntents
from user_service.store.users import UserReader
from user_service.users.hashing_places import HashingPlaces
from user_service.users.passwords import Passwords
from user_service.users.service import Users

TITLE = "User service"
DESCRIPTION = "Users, and an event for every change of one"
VERSION = version("post-cloudevents")
PERIOD_SECONDS = 1.0
"""Between two rounds of the periodic tasks."""

Periodic = Callable[[Sequence[Task]], Callable[[], object]]
"""Starts periodic tasks, and returns what stops them."""


def in_a_thread(tasks: Sequence[Task]) -> Callable[[], object]:
    """Start the tasks in a thread of their own."""
    return PeriodicThread(
        tasks, seconds=PERIOD_SECONDS, expected=StoreUnavailable, name="periodic"
    ).close


def create_app(
    settings: Settings,
    concurrency: Concurrency = THREADS,
    periodic: Periodic = in_a_thread,
    places: HashingPlaces | None = None,
    *,
    token_timing: TokenTiming = TOKEN_TIMING,
) -> ServiceApp:
    """The WSGI application, for any server; `places`: those that its processes share.

    Raises SchemaMismatch, OutboxNotEmpty, IntentsLeft, StoreUnavailable, and the database's
    errors where the schema is to be migrated.
    """
    engine = _open_database(settings)
    return app_on(engine, settings, periodic, places, concurrency, token_timing=token_timing)


def app_on(
    engine: Engine,
    settings: Settings,
    periodic: Periodic = in_a_thread,
    places: HashingPlaces | None = None,
    concurrency: Concurrency = THREADS,
    *,
    token_timing: TokenTiming = TOKEN_TIMING,
) -> ServiceApp:
    """The application on a database that is open; it closes the database."""
    metrics = Metrics()
    admission = Admission(settings.threads, settings.waiting_requests)
    reader = UserReader(engine)
    disk = DiskReserve.of(database_url.parse(settings.database_url), settings.disk_reserve)
    changes = _change_store(engine, settings, disk)
    mode = open_mode(UnsettledIntents(engine), changes, settings, admission.places, metrics)
    guards = controls(
        *(settings, KINDS, Tokens(engine).all),
        unavailable=(StoreUnavailable,),
        run=concurrency.runner(1),
        metrics=metrics,
        timing=token_timing,
    )
    users = Users(changes, mode.recorder, _passwords(settings, places))
    app = service_app.create(
        __name__,
        title=TITLE,
        version=VERSION,
        problem_for=PROBLEM_FOR,
        checks={"database": reader.ping},
        reports={**mode.reports, **disk.reports()},
        metrics=metrics,
        hosts=settings.hosts_on(settings.bind),
        concurrency=concurrency,
        reads_at_once=settings.threads - admission.places,
        changes_at_once=admission.places + settings.waiting_requests + 1,  # who is told: too many
        shows_reports=guard.may_see_reports,
        trusted_proxies=settings.trusted_proxies,
    )
    guard.register(app, guards.access)
    outbox_metrics.register(metrics, engine)
    intent_metrics.register(metrics, engine)
    json_request.register(
        app, routes.BODY_BYTES, routes.BODY_VALUES, but=frozenset({"session.begin"})
    )
    app.register_blueprint(session_routes.blueprint(guards.tokens, guards.sessions))
    app.register_blueprint(landing_page.blueprint(TITLE, VERSION, DESCRIPTION))
    api_docs.register(app, concurrency.runner(1))
    app.register_blueprint(routes.blueprint(users, reader, admission, settings.delivery_timeout))
    openapi.describe(app, guards.access, guards.sessions.cookie)
    app.close_with(engine.dispose)
    app.close_with(mode.close)
    app.close_with(periodic([*mode.tasks, *_key_tasks(engine, changes)]))
    return app


def _key_tasks(engine: Engine, changes: ChangeStore) -> Sequence[Task]:
    running_time = RunningTime(engine)
    return [lambda _: running_time.tick(), lambda _: changes.purge_keys()]


def _open_database(settings: Settings) -> Engine:
    """The engine of a database that is ready for the mode of delivery that is set."""
    engine = database.open_engine(settings, threads=settings.threads + 2)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        if settings.migrate:
            schema.migrate(engine)
        schema.check(engine)
        check_other_mode_ended(engine, settings)
        undo.pop_all()
    return engine


def check_other_mode_ended(engine: Engine, settings: Settings) -> None:
    """Raises OutboxNotEmpty, IntentsLeft where the other mode of delivery left something to do."""
    check = outbox.check_empty if settings.delivery == "direct" else intents.check_all_settled
    with reading(engine) as connection:
        check(connection)


def _change_store(engine: Engine, settings: Settings, disk: DiskReserve) -> ChangeStore:
    return ChangeStore(
        engine,
        keys_kept=timedelta(hours=settings.idempotency_hours),
        outbox_max=settings.outbox_max,
        has_room=disk.has_room,
    )


def _passwords(settings: Settings, places: HashingPlaces | None) -> Passwords:
    return Passwords(
        memory_kib=settings.argon2_memory_kib,
        iterations=settings.argon2_iterations,
        min_length=settings.password_min_length,
        places=places,
    )
