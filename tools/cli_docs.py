"""Page of the command line: what each command says of itself, as Markdown.

python -m tools.cli_docs > docs/cli.md
"""

from collections.abc import Iterator

import click

from audit_service.cli import main as audit_service
from user_service.cli import main as user_service

WIDTH = 96

_HEAD = """# Command line

What `--help` says; made by `python -m tools.cli_docs`. `audit-service search` and so on go over
HTTP to `--url`, else to `AUDIT_SERVICE_URL`, else to `http://localhost:8080`; `user-service users`
to `http://localhost:3000`. Exit codes: 0 done, 1 refused, 2 wrong usage, 69 unreachable, 78 a wrong
setting. `--json` prints one JSON document in each line where there may be many. Completion in bash:
`eval "$(_AUDIT_SERVICE_COMPLETE=bash_source audit-service)"`, likewise for zsh and fish.
"""


def page() -> str:
    """All commands of both services."""
    roots = (("audit-service", audit_service), ("user-service", user_service))
    parts = [_part(words, command) for name, root in roots for words, command in _all(name, root)]
    return "\n".join([_HEAD, *parts])


def _all(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if command.hidden:
        return
    yield words, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _all(f"{words} {name}", inner)


def _part(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=words, max_content_width=WIDTH, terminal_width=WIDTH)
    return f"## {words}\n\n```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    click.echo(page(), nl=False)
