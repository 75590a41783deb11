"""`audit-service consume`: events from a Kafka topic into the log, until SIGTERM or Ctrl-C."""

import os
from collections.abc import Callable

import click
import structlog

from audit_service.log import LogUnavailable
from audit_service.settings import Settings
from service_kit import cli, kafka
from service_kit.cli import Service, StartError
from service_kit.server import PortTaken

log = structlog.get_logger()


def command(service: Service[Settings]) -> click.Command:
    """The command; it ends with 78 where it cannot start, as `run` does."""

    @click.command()
    @click.argument("url", required=False)
    def consume(url: str | None) -> None:
        """Store the events of the topic at URL, or at AUDIT_SERVICE_KAFKA."""
        settings = _with_url(cli.load(service), url)
        for warning in Settings.unknown_variables(os.environ):
            log.warning(warning)
        _started(service, lambda: _prepare(service, settings))
        _started(service, lambda: _consume(settings))

    return consume


def _with_url(settings: Settings, url: str | None) -> Settings:
    if url is None:
        return settings
    try:
        kafka.parse(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from None
    return settings.model_copy(update={"kafka": url})


def _prepare(service: Service[Settings], settings: Settings) -> None:
    if settings.migrate:
        service.migrate(settings)
    service.check(settings)


def _consume(settings: Settings) -> None:
    # Kafka's client takes a tenth of a second to import, which other commands are spared.
    from audit_service.consumer import BadClient, consume  # noqa: PLC0415

    try:
        consume(settings)
    except BadClient as error:
        raise StartError(f"AUDIT_SERVICE_KAFKA: {error}") from error
    except LogUnavailable as error:
        raise StartError(f"AUDIT_SERVICE_DATABASE_URL: {error}") from error


def _started(service: Service[Settings], start: Callable[[], None]) -> None:
    try:
        start()
    except (StartError, PortTaken) as error:
        cli.fail(service, str(error))
