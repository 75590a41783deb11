"""The command line: `user-service run | check | migrate | config | users`."""

from collections.abc import Callable
from importlib.metadata import version

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service_kit import cli
from service_kit.cli import StartError
from user_service import create_app, database
from user_service.settings import Settings
from user_service.users_cli import users


def _migrate(settings: Settings) -> None:
    _with_engine(settings, database.migrate)


def _check(settings: Settings) -> None:
    _with_engine(settings, database.check)


def _with_engine(settings: Settings, use: Callable[[Engine], None]) -> None:
    engine = None
    try:
        password = settings.database_password.get_secret_value()
        engine = database.connect(settings.database_url, threads=1, password=password)
        use(engine)
    except (SQLAlchemyError, OSError, database.SchemaMismatch) as error:
        reason = getattr(error, "orig", None) or error
        raise StartError(f"USER_SERVICE_DATABASE_URL: {reason}") from error
    finally:
        if engine is not None:
            engine.dispose()


SERVICE = cli.Service(
    name="user-service",
    version=version("post-cloudevents"),
    settings=Settings,
    create_app=create_app,
    migrate=_migrate,
    check=_check,
)

main = cli.commands(SERVICE)
main.add_command(users)
