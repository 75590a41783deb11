"""Command `audit-service checkpoint`: the newest checkpoint of the log, to be kept elsewhere."""

from typing import IO

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.evidence.notes import NoteMalformed, parse_note
from service_kit.cli.remote import REFUSED, UNREACHABLE, Unreachable, problem_of, url_option


@click.command()
@click.option("-o", "--output", type=click.File("w"), default="-", help="Without it: print it.")
@url_option
def checkpoint(output: IO[str]) -> None:
    """The newest checkpoint, for `verify --since`: kept elsewhere it shows later that nothing of
    the log was altered since, nor an older copy put in its place."""
    remote = AuditRemote()
    try:
        answer = remote.ask("GET", "/log/checkpoint")
    except Unreachable as error:
        remote.end(UNREACHABLE, str(error))
    newest = _note(answer.content)
    if not answer.ok or newest is None:
        remote.end(REFUSED, problem_of(answer))
    output.write(newest)


def checkpoint_of(remote: AuditRemote) -> str | None:
    """The newest checkpoint; None where there is none, or whoever asks may not see it."""
    try:
        answer = remote.ask("GET", "/log/checkpoint")
    except Unreachable:
        return None
    return _note(answer.content) if answer.ok else None


def _note(content: bytes) -> str | None:
    """The text, once it is certain that it is a note, and so commands no terminal."""
    try:
        return bytes(parse_note(content)).decode()
    except NoteMalformed:
        return None
