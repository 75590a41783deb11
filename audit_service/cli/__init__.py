"""Command line: `audit-service run | check | migrate | config | consume`, and `rejected`, `index`,
`keys`, `tokens`, `verify`, which have commands of their own.

Over HTTP: `search | show | tail | stats | types | sources | extensions | export | import | proof |
checkpoint`. `verify-proof` needs no service.
"""

from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from audit_service import create_app
from audit_service.access.scopes import KINDS
from audit_service.cli import (
    consume,
    follow,
    index,
    keys,
    proofs,
    rejected,
    search,
    statistics,
    tokens,
    verify,
)
from audit_service.cli.checkpoint import checkpoint
from audit_service.cli.export import export
from audit_service.cli.import_events import import_events
from audit_service.files_beside import OF_LOG
from audit_service.log import (
    LogUnavailable,
    SchemaMismatch,
    UnsupportedDatabase,
    database_at,
    open_log,
)
from audit_service.log import migrate as migrate_log
from audit_service.settings import Settings
from service_kit import sqlite_file
from service_kit.access.token_file import WrongTokenFile
from service_kit.cli import commands
from service_kit.cli.commands import NotMigrated, StartError, reason_line
from service_kit.cli.remote import url_option
from service_kit.concurrency import Concurrency
from service_kit.database_url import SqliteFile
from service_kit.http.app import ServiceApp
from service_kit.process.companion import Companion
from service_kit.process.malloc import tune_malloc

_VARIABLE = "AUDIT_SERVICE_DATABASE_URL"
_START_ERRORS = (LogUnavailable, SchemaMismatch, UnsupportedDatabase)


def _migrate(settings: Settings) -> None:
    try:
        migrate_log(settings.database_url, settings.database_password.get_secret_value())
    except _START_ERRORS as error:
        raise StartError(_reason(error)) from error


def _check(settings: Settings) -> None:
    url, password = settings.database_url, settings.database_password.get_secret_value()
    database = database_at(url)
    if isinstance(database, SqliteFile) and not Path(database.path).exists():
        raise NotMigrated(f"{_VARIABLE}: there is no {database.path}: run `audit-service migrate`")
    try:
        with closing(open_log(url, password)) as backend:
            backend.ping()
    except SchemaMismatch as error:
        raise NotMigrated(_reason(error)) from error
    except _START_ERRORS as error:
        raise StartError(_reason(error)) from error
    if isinstance(database, SqliteFile):
        sqlite_file.log_wider(database.path, OF_LOG)


def _reason(error: Exception) -> str:
    """One line: what the database's own library says, where it says something."""
    return f"{_VARIABLE}: {reason_line(error, error.__cause__)}"


def _create_app(settings: Settings, concurrency: Concurrency) -> ServiceApp:
    """The application of a worker, which is sent long bodies."""
    tune_malloc()
    return create_app(settings, concurrency)


def _serve(
    name: str,
    settings: Settings,
    create: Callable[[Concurrency], ServiceApp],
    retry_startup_on: tuple[type[Exception], ...],
) -> None:
    follower = Companion("audit_service.cli", ["follow"])
    commands.serve(name, settings, create, retry_startup_on, follower)


SERVICE = commands.Service(
    name="audit-service",
    version=version("post-cloudevents"),
    settings=Settings,
    create_app=_create_app,
    migrate=_migrate,
    check=_check,
    kinds=KINDS,
    retry_startup_on=(LogUnavailable, WrongTokenFile),
    serve=_serve,
)

main = commands.service_commands(SERVICE)
main.add_command(consume.command(SERVICE))
main.add_command(rejected.command(SERVICE))
main.add_command(index.command(SERVICE))
main.add_command(follow.command(SERVICE))
main.add_command(keys.command(SERVICE))
main.add_command(tokens.command(SERVICE))
main.add_command(verify.command(SERVICE))
url_option(main)
COMMANDS = (search.search, search.show, search.tail, *statistics.COMMANDS, export, import_events)
for each in (*COMMANDS, checkpoint, proofs.proof, proofs.verify_proof):
    main.add_command(each)
