"""Commands `user-service tokens …`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.cli.tokens import TokenService, token_commands
from user_service.settings import Settings
from user_service.store import database
from user_service.store.tokens import Tokens
from user_service.store.transactions import StoreUnavailable


def command(service: Service[Settings], check: Callable[[Settings], None]) -> click.Group:
    """The command group; `check` raises StartError where the database is not there."""

    @contextmanager
    def opened(settings: Settings) -> Iterator[Tokens]:
        with commands.exit_on_start_error(service):
            check(settings)
        engine = database.open_engine(settings, threads=1)
        try:
            yield Tokens(engine)
        finally:
            engine.dispose()

    return token_commands(
        TokenService(
            service=service,
            bounds=False,
            open_admin=opened,
            unavailable=(StoreUnavailable,),
        )
    )
