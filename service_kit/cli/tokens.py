"""Commands `SERVICE tokens …`: create, list, rotate, revoke, on the service's own database.

Exit codes: 0 done, 1 there is no such token or there is one already, 2 usage, 69 the database
cannot be used, 78 a setting is wrong.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

import click

from service_kit.access import token_text
from service_kit.access.stored_token import NameTaken, NoSuchToken, StoredToken
from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.cli.ending import end
from service_kit.cli.options import Duration, as_json
from service_kit.cli.table import print_rows
from service_kit.cli.token_options import name_argument, source_option
from service_kit.clock import from_microseconds, in_microseconds, now_in_microseconds, rfc3339
from service_kit.settings.base import ServiceSettings

REFUSED: Final = 1
UNAVAILABLE: Final = 69  # EX_UNAVAILABLE of sysexits.h
COLUMNS: Final = ("name", "state", "scopes", "sources", "created", "expires", "revoked")

S = TypeVar("S", bound=ServiceSettings)


class TokenAdmin(Protocol):
    """What changes the tokens of a service, each change and what tells of it as one."""

    def all(self) -> Sequence[StoredToken]:
        """Every token that there ever was."""
        ...

    def create(self, token: StoredToken) -> None:
        """Add one. Raises NameTaken."""
        ...

    def rotate(self, token: StoredToken, keep_until: int) -> None:
        """Add one in the place of those of its name. Raises NoSuchToken."""
        ...

    def revoke(self, name: str, now: int) -> None:
        """End all of that name. Raises NoSuchToken."""
        ...


@dataclass(frozen=True)
class TokenService(Generic[S]):
    """A service with tokens. `bounds`: whether they may be bound to sources; `open_admin` raises
    one of `unavailable` where the database cannot be used.
    """

    service: Service[S]
    bounds: bool
    open_admin: Callable[[S], AbstractContextManager[TokenAdmin]]
    unavailable: tuple[type[Exception], ...]


def token_commands(of: TokenService[S]) -> click.Group:
    """The command group."""
    commands_of_it = [_create(of), _list(of), _rotate(of), _revoke(of)]
    return click.Group("tokens", help="Look after who may.", commands=commands_of_it)


def _create(of: TokenService[S]) -> click.Command:
    kinds = of.service.kinds

    @click.command()
    @name_argument
    @click.option(
        *("--scope", "scopes"),
        multiple=True,
        required=True,
        type=click.Choice(sorted(map(str, kinds.scopes))),
        help="What its bearer may do; repeat it for more.",
    )
    @click.option("--expires", type=Duration(), help="When it ends: 90d; without it never.")
    def create(
        name: str, scopes: tuple[str, ...], expires: timedelta | None, sources: tuple[str, ...] = ()
    ) -> None:
        """Make a token, which is shown this once."""
        now = now_in_microseconds()
        ends = None if expires is None else now + in_microseconds(expires)
        text, digest = token_text.make(kinds.prefix)
        token = StoredToken(name, digest, frozenset(scopes), sources, now, ends)
        _change(of, lambda admin: admin.create(token))
        click.echo(text)

    return source_option(create) if of.bounds else create


def _list(of: TokenService[S]) -> click.Command:
    @click.command("list")
    @as_json
    def list_tokens(*, as_json: bool) -> None:
        """Every token that there ever was, without its text."""
        found: list[StoredToken] = []
        _change(of, lambda admin: found.extend(admin.all()))
        now = now_in_microseconds()
        rows = [_shown(token, now) for token in found]
        if not as_json:
            rows = [{name: _cell(value) for name, value in row.items()} for row in rows]
        print_rows(rows, COLUMNS, as_json=as_json)

    return list_tokens


def _rotate(of: TokenService[S]) -> click.Command:
    @click.command()
    @name_argument
    @click.option(
        "--keep", type=Duration(), default="24h", show_default=True, help="How long the old holds."
    )
    def rotate(name: str, keep: timedelta) -> None:
        """Make a new token of that name, which is shown this once; the old one holds a while.

        It may do the same, for as long from now on."""
        now = now_in_microseconds()
        text, digest = token_text.make(of.service.kinds.prefix)
        token = StoredToken(name, digest, frozenset(), (), now)
        _change(of, lambda admin: admin.rotate(token, now + in_microseconds(keep)))
        click.echo(text)

    return rotate


def _revoke(of: TokenService[S]) -> click.Command:
    @click.command()
    @name_argument
    def revoke(name: str) -> None:
        """End all tokens of that name, within two seconds everywhere."""
        _change(of, lambda admin: admin.revoke(name, now_in_microseconds()))

    return revoke


def _change(of: TokenService[S], change: Callable[[TokenAdmin], None]) -> None:
    settings = commands.load_settings(of.service)
    try:
        with of.open_admin(settings) as admin:
            change(admin)
    except NameTaken:
        end(
            of.service.name,
            REFUSED,
            "there is a token of that name; `rotate` makes a new one in its place",
        )
    except NoSuchToken:
        end(of.service.name, REFUSED, "there is no token of that name that holds")
    except of.unavailable as error:
        end(of.service.name, UNAVAILABLE, str(error))


def _shown(token: StoredToken, now: int) -> dict[str, Any]:
    return {
        "name": token.name,
        "state": _state(token, now),
        "scopes": sorted(token.scopes),
        "sources": list(token.bounds),
        "created": _time(token.created_at),
        "expires": _time(token.expires_at),
        "revoked": _time(token.revoked_at),
    }


def _cell(value: Any) -> Any:
    return (", ".join(value) or None) if isinstance(value, list) else value


def _state(token: StoredToken, now: int) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "holds" if token.holds_at(now) else "expired"


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else rfc3339(from_microseconds(microseconds))
