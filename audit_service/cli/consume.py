"""Command `audit-service consume`: events of a Kafka topic into the log, until SIGTERM."""

import click

from audit_service.log import LogUnavailable
from audit_service.settings import Settings
from service_kit.cli import commands
from service_kit.cli.commands import Service, StartError
from service_kit.kafka import topic_url


def command(service: Service[Settings]) -> click.Command:
    """The command; it ends with 78 where it cannot start, as `run` does."""

    @click.command()
    @click.argument("url", required=False, callback=_checked_url)
    def consume(url: str | None) -> None:
        """Store the events of the topic at URL, or at AUDIT_SERVICE_KAFKA."""

        def prepare(settings: Settings) -> None:
            commands.check_access(service, settings, settings.consumer_bind)
            commands.bring_up_to_date(service, settings)

        settings = commands.prepare_to_run(service, prepare)
        if url is not None:
            settings = settings.model_copy(update={"kafka": url})
        with commands.exit_on_start_error(service):
            _consume(settings)

    return consume


def _checked_url(
    _context: click.Context, _parameter: click.Parameter, url: str | None
) -> str | None:
    try:
        if url is not None:
            topic_url.parse(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from None
    return url


def _consume(settings: Settings) -> None:
    from audit_service.consumer import BadClient, consume

    try:
        consume(settings)
    except BadClient as error:
        raise StartError(f"AUDIT_SERVICE_KAFKA: {error}") from error
    except LogUnavailable as error:
        raise StartError(f"AUDIT_SERVICE_DATABASE_URL: {error}") from error
