"""Commands `user-service users …`, over the service's HTTP API, so that each change has its event.

Exit codes: 0 done, 1 refused, 2 usage, 69 the service cannot be reached.
"""

import json
import sys
import uuid
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import urlencode

import click
import requests

from service_kit.cli.options import as_json
from service_kit.cli.table import print_rows
from service_kit.logs import escape_controls
from service_kit.settings.redaction import redact

REFUSED = 1
UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h
TIMEOUT_SECONDS = 30
COLUMNS = ("id", "name", "created_at", "updated_at")

password_file = click.option(
    "--password-file",
    type=click.File(encoding="utf-8"),
    help="Read the password from this file, `-` for standard input, less the line end.",
)


class UsersClient:
    """Client of the user service at a URL."""

    def __init__(self, url: str, page_size: int = 1000) -> None:
        self._url = url.rstrip("/")
        self._page_size = page_size

    def call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        """The JSON of a response; the process ends where there is none, or a refusal."""
        try:
            response = requests.request(
                method,
                f"{self._url}{path}",
                json=body,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            _end(UNREACHABLE, f"{redact(self._url)} cannot be reached: {type(error).__name__}")
        if not response.ok or response.is_redirect:
            _end(REFUSED, _problem(response))
        try:
            return response.json() if response.content else None
        except ValueError:
            _end(UNREACHABLE, f"{redact(self._url)} is no user service: it answers something else")

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
@click.option("--url", default="http://localhost:3000", show_default=True, help="The service.")
@click.pass_context
def users(context: click.Context, url: str) -> None:
    """List, show, create, change and delete users of a running service."""
    context.obj = UsersClient(url)


@users.command("list")
@click.option("--name", default="", help="Only names that begin so.")
@as_json
@click.pass_obj
def list_users(client: UsersClient, *, name: str, as_json: bool) -> None:
    """All users, in the order of their creation."""
    print_rows(list(client.pages(name)), COLUMNS, as_json=as_json)


@users.command()
@click.argument("user_id", metavar="ID", type=click.UUID)
@as_json
@click.pass_obj
def show(client: UsersClient, *, user_id: uuid.UUID, as_json: bool) -> None:
    """One user."""
    _print_one(client.call("GET", _path(user_id)), as_json=as_json)


@users.command()
@click.argument("name")
@password_file
@as_json
@click.pass_obj
def create(client: UsersClient, *, name: str, password_file: Any, as_json: bool) -> None:
    """Make a user; the password is asked for, or read from a file."""
    body = {"name": name, "password": _password(password_file)}
    _print_one(client.call("POST", "/v1/user", body), as_json=as_json)


@users.command()
@click.argument("user_id", metavar="ID", type=click.UUID)
@click.option("--name", help="The new name.")
@click.option("--password", "ask", is_flag=True, help="Ask for a new password.")
@password_file
@as_json
@click.pass_obj
def update(
    client: UsersClient,
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
    _print_one(client.call("PATCH", _path(user_id), body), as_json=as_json)


@users.command()
@click.argument("user_id", metavar="ID", type=click.UUID)
@click.pass_obj
def delete(client: UsersClient, user_id: uuid.UUID) -> None:
    """Delete a user."""
    client.call("DELETE", _path(user_id))


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


def _problem(response: requests.Response) -> str:
    """The details of the problem document; the status where there is none."""
    try:
        problem = response.json()
        details = [f"{e['pointer']}: {e['detail']}" for e in problem.get("errors", ())]
        return "; ".join([problem.get("detail") or problem["title"], *details])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"answered {response.status_code}"


def _end(code: int, message: str) -> NoReturn:
    click.echo(f"user-service: {escape_controls(message)}", err=True)
    sys.exit(code)
