"""Ending of a command: one line that says why, and its exit code."""

import sys
from typing import NoReturn

import click

from service_kit.logs import escape_controls


def end(program: str, code: int, message: str) -> NoReturn:
    """End the process with a line on standard error, in which nothing commands the terminal."""
    click.echo(f"{program}: {escape_controls(message)}", err=True)
    sys.exit(code)
