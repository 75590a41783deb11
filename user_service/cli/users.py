"""Commands `user-service users …`, over the service's HTTP API, so that each change has its event.

Exit codes: 0 done, 1 refused, 2 usage, 69 the service cannot be reached.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import click

from service_kit.cli.options import as_json
from service_kit.cli.remote import Remote, chosen_url, url_option
from service_kit.cli.table import print_rows

COLUMNS = ("id", "name", "created_at", "updated_at")

password_file = click.option(
    "--password-file",
    type=click.File(encoding="utf-8"),
    help="Read the password from this file, `-` for standard input, less the line end.",
)


DEFAULT_URL = "http://localhost:3000"


class UsersClient:
    """Client of the user service at a URL: by default the one that the options say."""

    def __init__(self, url: str = "", page_size: int = 1000) -> None:
        self._remote = Remote("user-service", url or chosen_url(DEFAULT_URL))
        self._page_size = page_size

    def call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        """The JSON of a response; the process ends where there is none, or a refusal."""
        return self._remote.call(method, path, json=body)

    def pages(self, name: str) -> Iterator[dict[str, Any]]:
        """Every user whose name begins so."""
        following: str | None = ""
        while following is not None:
            parameters = {"limit": str(self._page_size), "name": name}
            if following:
                parameters["cursor"] = following
            page = self.call("GET", f"/v1/user?{urlencode(parameters)}")
            yield from page["items"]
            following = page["next"]


@click.group()
@url_option
def users() -> None:
    """List, show, create, change and delete users of a running service, http://localhost:3000
    unless --url says another."""


@users.command("list")
@click.option("--name", default="", help="Only names that begin so.")
@as_json
@url_option
def list_users(*, name: str, as_json: bool) -> None:
    """All users, in the order of their creation."""
    print_rows(list(UsersClient().pages(name)), COLUMNS, as_json=as_json)


@users.command()
@click.argument("user_id", metavar="ID", type=click.UUID)
@as_json
@url_option
def show(*, user_id: uuid.UUID, as_json: bool) -> None:
    """One user."""
    _print_one(UsersClient().call("GET", _path(user_id)), as_json=as_json)


@users.command()
@click.argument("name")
@password_file
@as_json
@url_option
def create(*, name: str, password_file: Any, as_json: bool) -> None:
    """Make a user; the password is asked for, or read from a file."""
    body = {"name": name, "password": _password(password_file)}
    _print_one(UsersClient().call("POST", "/v1/user", body), as_json=as_json)


@users.command()
@click.argument("user_id", metavar="ID", type=click.UUID)
@click.option("--name", help="The new name.")
@click.option("--password", "ask", is_flag=True, help="Ask for a new password.")
@password_file
@as_json
@url_option
def update(
    *,
    user_id: uuid.UUID,
    name: str | None,
    ask: bool,
    password_file: Any,
    as_json: bool,
) -> None:
    """Change a user's name, password, or both."""
    body = {} if name is None else {"name": name}
    if ask or password_file:
        body["password"] = _password(password_file)
    if not body:
        raise click.UsageError("say what to change: --name, --password, --password-file")
    _print_one(UsersClient().call("PATCH", _path(user_id), body), as_json=as_json)


@users.command()
@click.argument("user_id", metavar="ID", type=click.UUID)
@url_option
def delete(user_id: uuid.UUID) -> None:
    """Delete a user."""
    UsersClient().call("DELETE", _path(user_id))


def _path(user_id: uuid.UUID) -> str:
    return f"/v1/user/{user_id}"


def _password(file: Any) -> str:
    if file is not None:
        try:
            content: str = file.read()
        except UnicodeDecodeError:
            raise click.UsageError("the password file is not UTF-8") from None
        return content.rstrip("\r\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


def _print_one(user: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(user))
    else:
        print_rows([user], COLUMNS, as_json=False)
