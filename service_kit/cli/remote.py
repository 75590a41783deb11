"""Commands that go over HTTP to a service: its URL, before or after the subcommand; its answers.

Exit codes: 0 done, 1 refused, 2 usage, 69 the service cannot be reached.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn, TypeVar

import click
import requests
from requests.auth import AuthBase

from service_kit.access import token_text
from service_kit.cli.ending import end
from service_kit.settings.env_files import Unreadable, content_of
from service_kit.settings.redaction import redact

REFUSED: Final = 1
UNREACHABLE: Final = 69  # EX_UNAVAILABLE of sysexits.h
TIMEOUT_SECONDS: Final = 60.0

_URL: Final = "service_kit.cli.remote.url"
Response = requests.Response
F = TypeVar("F", bound=Callable[..., Any])
Parameters = Sequence[tuple[str, str]]


class Unreachable(Exception):
    """There is no answer, or it breaks off; trying again may help. The message says why."""


def url_option(command: F) -> F:
    """Let the command take `--url`, which wins over one that was given before it."""
    decorate = click.option(
        "--url", help="The service.", expose_value=False, callback=_keep_url, is_eager=True
    )
    return decorate(command)


def _keep_url(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_URL] = value


def chosen_url(default: str) -> str:
    """The URL that the options of the command say."""
    return str(click.get_current_context().meta.get(_URL, default))


class Remote:
    """A service at a URL. What it answers is returned, or ends the process with a line."""

    def __init__(self, program: str, url: str) -> None:
        """Its token is in the environment, `PROGRAM_TOKEN`, or in the file that `…_FILE` names."""
        self.program = program
        self.noun = program.replace("-", " ")
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # No netrc, whose password would be sent in the token's place.
        self._session.auth = _Bearer(self._token(program.upper().replace("-", "_") + "_TOKEN"))

    def _token(self, variable: str) -> str:
        file = os.environ.get(f"{variable}_FILE")
        text: str | Unreadable = os.environ.get(variable, "")
        if variable not in os.environ and file is not None:
            text = content_of(f"{variable}_FILE", file)
        if isinstance(text, Unreadable):
            self.end(REFUSED, text.reason)
        if not token_text.can_be_sent(text.strip()):
            self.end(REFUSED, f"{variable}: is no token")
        return text.strip()

    def get(self, path: str, parameters: Parameters = ()) -> Any:
        """The JSON at a path."""
        return self.call("GET", path, params=parameters)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer, if it has any."""
        try:
            return self._json(self.ask(method, path, **options))
        except Unreachable as error:
            self.end(UNREACHABLE, str(error))

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """An answer, whatever its status. Raises Unreachable."""
        options = {"timeout": TIMEOUT_SECONDS, "allow_redirects": False, **options}
        try:
            return self._session.request(method, self.url + path, **options)
        except requests.RequestException as error:
            raise Unreachable(
                f"{redact(self.url)} cannot be reached: {type(error).__name__}"
            ) from None

    def check(self, response: requests.Response) -> None:
        """End the process where the answer is a refusal."""
        if not response.ok or response.is_redirect:
            self.end(REFUSED, problem_of(response))

    def end(self, code: int, message: str) -> NoReturn:
        """End the process with a line."""
        end(self.program, code, message)

    def _json(self, response: requests.Response) -> Any:
        self.check(response)
        try:
            return response.json() if response.content else None
        except ValueError:
            self.end(
                UNREACHABLE, f"{redact(self.url)} is no {self.noun}: it answers something else"
            )


class _Bearer(AuthBase):
    """Adds a token, if there is one."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def chunks(response: requests.Response, size: int) -> Iterator[bytes]:
    """The body as it comes. Raises Unreachable where it breaks off."""
    try:
        yield from response.iter_content(size)
    except requests.RequestException as error:
        raise _broken_off(error) from None


def lines(response: requests.Response) -> Iterator[bytes]:
    """Its lines as they come, likewise."""
    try:
        yield from response.iter_lines(chunk_size=None)
    except requests.RequestException as error:
        raise _broken_off(error) from None


def _broken_off(error: Exception) -> Unreachable:
    return Unreachable(f"the answer broke off: {type(error).__name__}")


def problem_of(response: requests.Response) -> str:
    """The details of the problem document; the status where there is none."""
    try:
        problem = response.json()
        details = [f"{e['pointer']}: {e['detail']}" for e in problem.get("errors", ())]
        return "; ".join([problem.get("detail") or problem["title"], *details])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"answered {response.status_code}"
