"""Command line: `user-service run | check | migrate | config | relay`, and `users`, `outbox`,
`tokens`, which have commands of their own."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service_kit import database_url, sqlite_file
from service_kit.access.token_file import WrongTokenFile
from service_kit.cli import commands
from service_kit.cli.commands import NotMigrated, StartError, reason_line
from service_kit.database_url import SqliteFile
from user_service import check_other_mode_ended, create_app, sinks
from user_service.access import KINDS
from user_service.cli import relay, tokens, users
from user_service.cli.outbox import OutboxDatabase, outbox_commands
from user_service.settings import Settings
from user_service.store import database, intents, outbox, schema
from user_service.store.transactions import StoreUnavailable
from user_service.store.users import UserReader
from user_service.users.hashing_places import HashingPlaces

log = structlog.get_logger()

_VARIABLE = "USER_SERVICE_DATABASE_URL"


def _migrate(settings: Settings) -> None:
    _with_engine(settings, schema.migrate)


def _prepare(settings: Settings) -> None:
    _check_sink(settings)
    if settings.migrate:
        _migrate(settings)
    _check_database(settings)
    _log_wider_files(settings)


def _check_sink(settings: Settings) -> None:
    try:
        sinks.check(settings)
    except sinks.WrongOptions as error:
        raise StartError(f"USER_SERVICE_SINK: {error}") from error
    if "%" in settings.event_source:
        log.warning(
            "USER_SERVICE_EVENT_SOURCE has a '%': in binary mode it is encoded, and most receivers "
            "do not decode it"
        )


def _check(settings: Settings) -> None:
    _check_sink(settings)
    _check_database(settings)
    _with_engine(settings, lambda engine: _check_delivery(engine, settings))
    _log_wider_files(settings)


def _check_delivery(engine: Engine, settings: Settings) -> None:
    try:
        check_other_mode_ended(engine, settings)
    except (outbox.OutboxNotEmpty, intents.IntentsLeft) as error:
        raise StartError(f"USER_SERVICE_DELIVERY: {error}") from error


def _check_database(settings: Settings) -> None:
    place = database_url.parse(settings.database_url)
    if isinstance(place, SqliteFile) and not Path(place.path).exists():
        raise NotMigrated(f"{_VARIABLE}: there is no {place.path}: run `user-service migrate`")
    _with_engine(settings, _check_schema)


def _log_wider_files(settings: Settings) -> None:
    place = database_url.parse(settings.database_url)
    if isinstance(place, SqliteFile):
        sqlite_file.log_wider(place.path)


def _check_schema(engine: Engine) -> None:
    schema.check(engine)
    UserReader(engine).ping()


def _with_engine(settings: Settings, use: Callable[[Engine], None]) -> None:
    engine = None
    try:
        engine = database.open_engine(settings, threads=1)
        use(engine)
    except schema.SchemaMismatch as error:
        raise NotMigrated(f"{_VARIABLE}: {error}") from error
    except (SQLAlchemyError, StoreUnavailable, OSError) as error:
        reason = reason_line(error, getattr(error, "orig", None))
        raise StartError(f"{_VARIABLE}: {reason}") from error
    finally:
        if engine is not None:
            engine.dispose()


def _serve(
    name: str,
    settings: Settings,
    _: Callable[[], object],
    retry_startup_on: tuple[type[Exception], ...],
) -> None:
    # MUST be made before the workers are forked, who share them.
    places = HashingPlaces()
    commands.serve(
        name,
        settings,
        lambda concurrency: create_app(settings, concurrency, places=places),
        retry_startup_on,
    )


SERVICE = commands.Service(
    name="user-service",
    version=version("post-cloudevents"),
    settings=Settings,
    create_app=create_app,
    migrate=_migrate,
    check=_check,
    kinds=KINDS,
    retry_startup_on=(SQLAlchemyError, WrongTokenFile),
    serve=_serve,
)

main = commands.service_commands(SERVICE)
main.add_command(users.users)
main.add_command(relay.command(SERVICE, _prepare))
main.add_command(tokens.command(SERVICE, _check_database))
main.add_command(outbox_commands(OutboxDatabase(SERVICE, _check_database)))
