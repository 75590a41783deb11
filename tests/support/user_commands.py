"""Commands `user-service users …`, run against a service that is really served."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from tests.support import served_app
from user_service.cli import main

SECRET = "correct-horse-battery"


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Where the app answers. What it logs is kept out of what the commands print."""
    with served_app.served(app) as url, capture_logs():
        yield url


def users(url: str, *words: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["users", "--url", url, *words], input=stdin)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def ended(result: Result, code: int) -> str:
    """The one line that says why."""
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("user-service: ")
    return line


def created(url: str, name: str = "Ozzy", password: str = SECRET) -> Any:
    words = ("create", name, "--password-file", "-", "--json")
    return json.loads(done(users(url, *words, stdin=password)))
