"""Options and arguments of the commands that look after tokens."""

import re
from typing import Final

import click

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


def _name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    del context, parameter
    if not _NAME.fullmatch(value):
        raise click.BadParameter("must be letters, digits and `.`, `_`, `@`, `-`, at most 100")
    return value


def _prefixes(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    del context, parameter
    if "" in values:
        raise click.BadParameter("must not be empty: every source begins so")
    return values


name_argument: Final = click.argument("name", callback=_name)
source_option: Final = click.option(
    *("--source", "sources"),
    multiple=True,
    metavar="PREFIX",
    callback=_prefixes,
    help="What the source of each of its events begins with; repeat it for more.",
)
