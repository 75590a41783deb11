"""Commands `audit-service rejected …`: list, show, redrive and drop messages that were refused.

Exit codes: 0 done, 1 refused, 2 usage, 69 the database cannot be used.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import click

from audit_service.access.bounds import SourceForbidden
from audit_service.access.own_events import Told
from audit_service.cli.program import PROGRAM
from audit_service.cli.rejected_table import print_documents, print_one, print_table
from audit_service.cli.told_rejections import told_of
from audit_service.events import REJECTIONS
from audit_service.log import (
    EventLog,
    LogUnavailable,
    SchemaMismatch,
    database_at,
    open_log,
)
from audit_service.rejected import RejectedStore, StoredRejection, open_rejected
from audit_service.rejected.document import as_document
from audit_service.rejected.redrive import redrive
from audit_service.settings import Settings
from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.cli.ending import end
from service_kit.cli.options import as_json
from service_kit.disk_reserve import DiskReserve
from service_kit.logs import escape_controls

REFUSED = 1
UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h
PAGE = 10
"""How many are in memory at once: each may be a batch of many megabytes."""

which = click.argument("ids", metavar="ID…", type=int, nargs=-1)
every = click.option("--all", "every", is_flag=True, help="All that there are.")


class RejectedDatabase:
    """The database that the settings name; where it cannot be used the process ends."""

    def __init__(self, service: Service[Settings]) -> None:
        self._service = service

    def settings(self) -> Settings:
        """The settings, with logging set up by them."""
        return commands.load_settings(self._service)

    def store(self) -> RejectedStore:
        """The store of rejected messages."""
        return open_rejected(*_database(self.settings()))


class _Group(click.Group):
    """Ends with a line and no traceback where the database cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (LogUnavailable, SchemaMismatch) as error:
            end(PROGRAM, UNAVAILABLE, str(error))


@click.command("list")
@as_json
@click.pass_obj
def list_rejected(database: RejectedDatabase, *, as_json: bool) -> None:
    """All of them, the oldest first."""
    found = _pages(database.store())
    if as_json:
        print_documents(found)
    else:
        print_table(found)


@click.command()
@click.argument("number", metavar="ID", type=int)
@as_json
@click.pass_obj
def show(database: RejectedDatabase, *, number: int, as_json: bool) -> None:
    """One of them whole: where it is from, headers, key, value and the reason."""
    rejection = _get(database.store(), number)
    if as_json:
        click.echo(json.dumps(as_document(rejection)))
    else:
        print_one(rejection)


@click.command("redrive")
@which
@every
@click.pass_obj
def redrive_some(database: RejectedDatabase, *, ids: Sequence[int], every: bool) -> None:
    """Read them again, by the settings of this command, and append their events.

    What is stored leaves the list."""
    settings = database.settings()
    store = open_rejected(*_database(settings))
    still = 0
    with closing(open_log(*_database(settings))) as backend:
        disk = DiskReserve.of(database_at(*_database(settings)), settings.disk_reserve)
        event_log = EventLog(backend, has_room=disk.has_room)
        for rejection in _selected(store, ids, every=every):
            told = told_of(settings, Told.REDRIVEN, rejection)
            try:
                count = redrive(
                    *(rejection, event_log, store, settings.reader),
                    told=told,
                    is_controlled=settings.auth == "tokens",
                )
                click.echo(f"{rejection.id}: {count} stored")
            except (*REJECTIONS, SourceForbidden) as error:
                still += 1
                click.echo(
                    f"{rejection.id}: still rejected: {escape_controls(str(error))}", err=True
                )
    if still:
        sys.exit(REFUSED)


@click.command()
@which
@every
@click.option("--yes", is_flag=True, help="They are gone for good: say that this is meant.")
@click.pass_obj
def drop(database: RejectedDatabase, *, ids: Sequence[int], every: bool, yes: bool) -> None:
    """Forget them."""
    if not yes:
        raise click.UsageError("what is dropped is gone for good: add --yes")
    settings = database.settings()
    store = open_rejected(*_database(settings))
    with closing(open_log(*_database(settings))) as backend:
        event_log = EventLog(backend)
        for rejection in _selected(store, ids, every=every):
            event_log.append_entries(told_of(settings, Told.DROPPED, rejection))
            store.drop(rejection.id)
            click.echo(f"{rejection.id}: dropped")


def _database(settings: Settings) -> tuple[str, str]:
    return settings.database_url, settings.database_password.get_secret_value()


def _pages(store: RejectedStore) -> Iterator[StoredRejection]:
    after = 0
    while page := store.page(after, PAGE):
        yield from page
        after = page[-1].id


def _selected(
    store: RejectedStore, ids: Sequence[int], *, every: bool
) -> Iterator[StoredRejection]:
    if bool(ids) == every:
        raise click.UsageError("say which: their ids, or --all")
    if every:
        yield from _pages(store)
    for number in ids:
        yield _get(store, number)


def _get(store: RejectedStore, number: int) -> StoredRejection:
    rejection = store.get(number)
    if rejection is None:
        end(PROGRAM, REFUSED, f"there is no rejected message {number}")
    return rejection


def command(service: Service[Settings]) -> click.Group:
    """The command group, on the database that the service's settings name."""
    return _Group(
        "rejected",
        help="List, show, redrive and drop messages that were refused.",
        commands=[list_rejected, show, redrive_some, drop],
        context_settings={"obj": RejectedDatabase(service)},
    )
