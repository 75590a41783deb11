"""The command line: `audit-service run | check | migrate | config`."""

from importlib.metadata import version

from audit_service import create_app
from audit_service.log import LogUnavailable, SchemaMismatch, UnsupportedDatabase, open_log
from audit_service.log import migrate as migrate_log
from audit_service.settings import Settings
from service_kit import cli
from service_kit.cli import StartError

_FAULTS = (LogUnavailable, SchemaMismatch, UnsupportedDatabase)


def _migrate(settings: Settings) -> None:
    try:
        migrate_log(settings.database_url, settings.database_password.get_secret_value())
    except _FAULTS as error:
        raise StartError(f"AUDIT_SERVICE_DATABASE_URL: {error}") from error


def _check(settings: Settings) -> None:
    try:
        open_log(settings.database_url, settings.database_password.get_secret_value()).close()
    except _FAULTS as error:
        raise StartError(f"AUDIT_SERVICE_DATABASE_URL: {error}") from error


SERVICE = cli.Service(
    name="audit-service",
    version=version("post-cloudevents"),
    settings=Settings,
    create_app=create_app,
    migrate=_migrate,
    check=_check,
)

main = cli.commands(SERVICE)
