"""Commands `audit-service tokens …`, each of which the log tells of, where access is controlled."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import click

from audit_service.access.own_events import COMMAND_LINE, Told, own_entries
from audit_service.access.token_store import TokenStore, open_tokens
from audit_service.log import Backend, LogUnavailable, SchemaMismatch, open_log
from audit_service.log.backend import OWN_SENDER
from audit_service.settings import Settings
from service_kit.access.stored_token import Execute, NameTaken, StoredToken, TokenTable
from service_kit.cli.commands import Service
from service_kit.cli.tokens import TokenService, token_commands
from service_kit.clock import from_microseconds, rfc3339

Change = Callable[[TokenTable, Execute], object]


class Tokens:
    """A TokenAdmin (see there) on the log's database."""

    def __init__(self, log: Backend, store: TokenStore, *, is_telling: bool) -> None:
        self._log = log
        self._store = store
        self._is_telling = is_telling

    def all(self) -> Sequence[StoredToken]:
        return self._store.all()

    def create(self, token: StoredToken) -> None:
        if token.name == OWN_SENDER:
            raise NameTaken
        expires_at = token.expires_at
        self._change(
            *(Told.TOKEN_CREATED, token.name),
            lambda table, execute: table.create(execute, token),
            scopes=sorted(token.scopes),
            sources=token.bounds,
            expires=None if expires_at is None else rfc3339(from_microseconds(expires_at)),
        )

    def rotate(self, token: StoredToken, keep_until: int) -> None:
        self._change(
            *(Told.TOKEN_ROTATED, token.name),
            lambda table, execute: table.rotate(execute, token, keep_until),
            kept_until=rfc3339(from_microseconds(keep_until)),
        )

    def revoke(self, name: str, now: int) -> None:
        self._change(
            *(Told.TOKEN_REVOKED, name), lambda table, execute: table.revoke(execute, name, now)
        )

    def _change(self, told: Told, name: str, change: Change, **data: Any) -> None:
        """Change the tokens, and append what tells of it, in one transaction; neither where it
        raises.
        """
        entries = own_entries(told, COMMAND_LINE, name, data, is_telling=self._is_telling)
        self._log.commit(lambda: entries, lambda execute: change(self._store.table, execute))


@contextmanager
def _open(settings: Settings) -> Iterator[Tokens]:
    place = settings.database_url, settings.database_password.get_secret_value()
    with closing(open_log(*place)) as log, closing(open_tokens(*place)) as store:
        yield Tokens(log, store, is_telling=settings.auth == "tokens")


def command(service: Service[Settings]) -> click.Group:
    """The command group, on the database that the service's settings name."""
    return token_commands(
        TokenService(
            service=service,
            bounds=True,
            open_admin=_open,
            unavailable=(LogUnavailable, SchemaMismatch),
        )
    )
