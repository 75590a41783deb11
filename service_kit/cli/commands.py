"""Commands that every service has: run, check, migrate, config."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

import click
import structlog
from pydantic import SecretStr

from service_kit import logs
from service_kit.access.controls import (
    NO_KINDS,
    Kinds,
    UncontrolledAddress,
    check_address,
    check_file,
)
from service_kit.access.token_file import WrongTokenFile
from service_kit.cli.ending import end
from service_kit.concurrency import Concurrency
from service_kit.http.app import ServiceApp
from service_kit.process import ports
from service_kit.process.companion import Companion
from service_kit.settings.base import ServiceSettings, SettingsError

CONFIG = 78  # EX_CONFIG of sysexits.h

S = TypeVar("S", bound=ServiceSettings)
log = structlog.get_logger()


class StartError(Exception):
    """The service cannot start; the message says why in one line."""


class NotMigrated(StartError):
    """The database is there, but its schema is not, or is not up to date."""


def reason_line(error: Exception, cause: BaseException | None) -> str:
    """One line: what the cause says, as a rule in a library's words, or else the error."""
    reason = str(cause or error).strip()
    return reason.splitlines()[0] if reason else type(error).__name__


def serve(
    name: str,
    settings: Any,
    create_app: Callable[[Concurrency], ServiceApp],
    retry_startup_on: tuple[type[Exception], ...],
    companion: Companion | None = None,
) -> None:
    """Serve HTTP; see `gunicorn_server.run`."""
    from service_kit.process import gunicorn_server  # noqa: PLC0415 - 0.1 s, and most commands serve nothing

    gunicorn_server.run(name, settings, create_app, retry_startup_on, companion)


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service, as far as its commands need to know it.

    `create_app` wires it; `migrate` brings its schema up to date; `check` raises StartError
    where the settings, though valid, do not let it start; `kinds`: what its access is about.
    `retry_startup_on`: see `gunicorn_server.run`, whose arguments `serve` has. `wait_for_port`,
    `serve`: others where nothing is to be served.
    """

    name: str
    version: str
    settings: type[S]
    create_app: Callable[[S, Concurrency], ServiceApp]
    migrate: Callable[[S], None]
    check: Callable[[S], None]
    kinds: Kinds = NO_KINDS
    retry_startup_on: tuple[type[Exception], ...] = ()
    wait_for_port: Callable[[str], None] = ports.wait_for_port
    serve: Callable[..., None] = serve


def load_settings(service: Service[S]) -> S:
    """The service's settings, with logging set up by them; ends the process where one is wrong."""
    try:
        settings = service.settings.load()
    except SettingsError as error:
        exit_with(service, "; ".join(error.problems))
    logs.configure(service.name, settings.log_format, settings.log_level)
    return settings


def exit_with(service: Service[S], message: str) -> NoReturn:
    """End the process with one line that says why."""
    end(service.name, CONFIG, message)


@contextmanager
def exit_on_start_error(service: Service[S]) -> Iterator[None]:
    """End the process with one line that says why, where the block finds that it cannot start."""
    try:
        yield
    except (StartError, ports.PortTaken) as error:
        exit_with(service, str(error))


def prepare_to_run(service: Service[S], prepare: Callable[[S], None]) -> S:
    """The settings for a process that is about to run, once all is prepared."""
    settings = load_settings(service)
    logs.queue_lines()
    for warning in service.settings.unknown_variables(os.environ):
        log.warning(warning)
    with exit_on_start_error(service):
        prepare(settings)
    return settings


def service_commands(service: Service[S]) -> click.Group:
    """The command group `service.name`, to which a service may add commands of its own."""

    @click.group(name=service.name, context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(service.version, prog_name=service.name)
    def group() -> None:
        pass

    @group.command()
    def run() -> None:
        """Serve HTTP until SIGTERM or Ctrl-C."""

        def prepare(settings: S) -> None:
            check_access(service, settings, settings.bind)
            service.wait_for_port(settings.bind)
            bring_up_to_date(service, settings)

        settings = prepare_to_run(service, prepare)
        # The schema is up to date by now; the workers need not look at it again. All of them MUST
        # have one key.
        key = settings.session_key.get_secret_value() or secrets.token_urlsafe(32)
        prepared = settings.model_copy(update={"migrate": False, "session_key": SecretStr(key)})
        service.serve(
            service.name,
            prepared,
            lambda concurrency: service.create_app(prepared, concurrency),
            service.retry_startup_on,
        )

    @group.command()
    def check() -> None:
        """Say whether `run` would start: settings, a free port, the database. Changes nothing."""
        settings = load_settings(service)
        with exit_on_start_error(service):
            check_access(service, settings, settings.bind)
            service.wait_for_port(settings.bind)
            _check(service, settings)

    @group.command()
    def migrate() -> None:
        """Bring the database's schema up to date."""
        settings = load_settings(service)
        with exit_on_start_error(service):
            service.migrate(settings)

    @group.command()
    def config() -> None:
        """Print the settings in effect, passwords redacted."""
        for name, value in load_settings(service).shown().items():
            click.echo(f"{name}={value}")

    return group


def check_access(service: Service[S], settings: ServiceSettings, bind: str) -> None:
    """Raises StartError where anyone would be let in unsaid, and where the token file is wrong."""
    try:
        check_address(settings, bind)
        check_file(settings, service.kinds)
    except (UncontrolledAddress, WrongTokenFile) as error:
        raise StartError(str(error)) from None


def _check(service: Service[S], settings: S) -> None:
    """Check all but what `run` would bring up to date. Raises StartError."""
    try:
        service.check(settings)
    except NotMigrated:
        if not settings.migrate:
            raise


def bring_up_to_date(service: Service[S], settings: S) -> None:
    """Migrate, unless the settings say not to, and check. Raises StartError."""
    if settings.migrate:
        service.migrate(settings)
    service.check(settings)
