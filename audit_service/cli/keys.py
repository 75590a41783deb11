"""Command `audit-service keys create`: a key that signs the log, in a file of its own.

Exit codes: 0 done, 1 there is a file already, 2 usage, 73 it cannot be written, 78 a setting is
wrong.
"""

from typing import Final

import click

from audit_service.evidence.log_key import random_origin, write_key
from audit_service.evidence.note_keys import KeyMalformed
from audit_service.settings import Settings
from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.cli.ending import end

REFUSED: Final = 1
CANNOT_CREATE: Final = 73  # EX_CANTCREAT of sysexits.h


def command(service: Service[Settings]) -> click.Group:
    """The command group."""

    @click.command()
    @click.option(
        *("-o", "--output", "file"), metavar="FILE", help="Without it beside the log's SQLite file."
    )
    @click.option(
        "--origin", help="The log's name: example.com/log. Without it AUDIT_SERVICE_LOG_ORIGIN."
    )
    def create(file: str | None, origin: str | None) -> None:
        """Make a key that signs the log, which its owner alone can read.

        Prints the verifier key, by which others check what is signed: keep it elsewhere.
        """
        settings = commands.load_settings(service)
        path = file or settings.signing.file
        if path is None:
            raise click.UsageError("a log in PostgreSQL has no place for a key: name one with -o")
        try:
            key = write_key(path, origin or settings.log_origin or random_origin())
        except KeyMalformed as error:
            raise click.BadParameter(str(error), param_hint="--origin") from None
        except FileExistsError:
            end(service.name, REFUSED, f"there is a file at {path}, which stays as it is")
        except OSError as error:
            end(service.name, CANNOT_CREATE, f"{path}: {error.strerror}")
        click.echo(str(key.verifier))

    return click.Group("keys", help="Look after the key that signs the log.", commands=[create])
