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
    return "\n".join([_HEAD, *(part for name, root in roots for part in _parts(name, root, None))])


def _parts(name: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    """The command, and those within it."""
    if command.hidden:
        return
    # With its parent: what it says depends on the settings of that.
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner_name, inner in sorted(command.commands.items()):
            yield from _parts(inner_name, inner, context)


if __name__ == "__main__":
    click.echo(page(), nl=False)
