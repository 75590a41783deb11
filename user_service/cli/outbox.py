"""Commands `user-service outbox …`: list, show, retry, replay and drop events.

They work on the database itself, whether the service and a relay run or not.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from sqlalchemy import Connection, Engine

from service_kit.cli import commands
from service_kit.cli.options import as_json
from service_kit.cli.table import print_rows
from user_service.settings import Settings
from user_service.store import database, outbox, outbox_admin
from user_service.store.outbox import State
from user_service.store.outbox_admin import Selection
from user_service.store.transactions import StoreUnavailable, reading, writing

COLUMNS = ("id", "state", "user", "type", "created_at", "attempts", "last_error")
SHOWN = (State.WAITING, State.DEAD)
# The ranges of both databases.
ID, COUNT = click.IntRange(0, 2**63 - 1), click.IntRange(1, 1_000_000)

Transaction = Callable[[Engine], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class OutboxDatabase:
    """Database of the commands. `check` raises StartError where it is not there."""

    service: commands.Service[Settings]
    check: Callable[[Settings], None]

    @contextmanager
    def begin(self, transaction: Transaction) -> Iterator[Connection]:
        """A transaction; the process ends where the database cannot be used."""
        settings = commands.load_settings(self.service)
        with commands.exit_on_start_error(self.service):
            self.check(settings)
        engine = database.open_engine(settings, threads=1)
        try:
            with transaction(engine) as connection:
                yield connection
        except StoreUnavailable as error:
            raise click.ClickException(f"the database cannot be used: {error}") from error
        finally:
            engine.dispose()


def outbox_commands(database: OutboxDatabase) -> click.Group:
    """The command group."""

    @click.group("outbox")
    @click.pass_context
    def group(context: click.Context) -> None:
        """See and mend what waits to be delivered."""
        context.obj = database

    for command in (status, list_events, show, retry, replay, drop):
        group.add_command(command)
    return group


of_user = click.option("--user", help="Only of the user of this id.")
of_type = click.option("--type", "event_type", help="Only of this type, like user.storeUser.")


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Options and arguments that select events, as one `selection` of the command."""

    @wraps(command)
    def selected(
        *,
        ids: Sequence[int],
        user: str | None,
        event_type: str | None,
        everything: bool,
        **others: Any,
    ) -> None:
        if not (ids or user or event_type or everything):
            raise click.UsageError("say which: IDs, --user, --type, or --all")
        command(Selection(ids, user, event_type), **others)

    selected = click.option("--all", "everything", is_flag=True, help="All of them.")(selected)
    return click.argument("ids", metavar="[ID]...", type=ID, nargs=-1)(of_user(of_type(selected)))


@click.command()
@as_json
@click.pass_obj
def status(database: OutboxDatabase, *, as_json: bool) -> None:
    """How many events wait, since when, and who delivers."""
    with database.begin(reading) as connection:
        summary, lease = outbox.summary(connection), outbox_admin.lease(connection)
    shown = {
        "waiting": summary.waiting,
        "oldest": summary.oldest_at and summary.oldest_at.isoformat(),
        "dead letters": summary.dead,
        "active relay": lease.holder,
        "fence": lease.fence,
    }
    if as_json:
        click.echo(json.dumps({name.replace(" ", "_"): value for name, value in shown.items()}))
        return
    for name, value in shown.items():
        click.echo(f"{name}: {'-' if value is None else value}")


@click.command("list")
@of_user
@of_type
@click.option(
    "--state",
    type=click.Choice([each.value for each in State]),
    help="Only those; else all but delivered.",
)
@click.option("--limit", type=COUNT, default=100, show_default=True, help="How many at most.")
@as_json
@click.pass_obj
def list_events(
    database: OutboxDatabase,
    *,
    user: str | None,
    event_type: str | None,
    state: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Events that wait and dead letters, the oldest first, with the last error of each."""
    selection = Selection((), user, event_type, [State(state)] if state else SHOWN)
    with database.begin(reading) as connection:
        events = outbox_admin.list_events(connection, selection, limit)
    print_rows(events, COLUMNS, as_json=as_json)


@click.command()
@click.argument("number", metavar="ID", type=ID)
@click.pass_obj
def show(database: OutboxDatabase, number: int) -> None:
    """One event whole, as JSON."""
    with database.begin(reading) as connection:
        found = outbox_admin.event(connection, number)
    if found is None:
        raise click.ClickException(f"there is no {number} in the outbox")
    entry, event = found
    click.echo(json.dumps({**entry, "event": json.loads(event)}, indent=2))


@click.command()
@selecting
@click.pass_obj
def retry(database: OutboxDatabase, selection: Selection) -> None:
    """Try events that back off again at once."""
    with database.begin(writing) as connection:
        click.echo(f"{outbox_admin.retry(connection, selection)} due now")


@click.command()
@selecting
@click.pass_obj
def replay(database: OutboxDatabase, selection: Selection) -> None:
    """Let dead letters be delivered after all, each user's in their order."""
    with database.begin(writing) as connection:
        click.echo(f"{outbox_admin.replay(connection, selection)} waiting again")


@click.command()
@selecting
@click.option("--yes", is_flag=True, help="Without it nothing is dropped.")
@click.pass_obj
def drop(database: OutboxDatabase, selection: Selection, *, yes: bool) -> None:
    """Delete dead letters for ever: their changes were made, and nobody will hear of them."""
    if not yes:
        raise click.UsageError("what is dropped is lost for ever; say --yes")
    with database.begin(writing) as connection:
        click.echo(f"{outbox_admin.drop(connection, selection)} dropped")
