"""Commands `audit-service index …`: status, rebuild.

Exit codes: 0 done, 2 usage, 69 the log or the index cannot be used, 78 a setting is wrong.
"""

import sys
from contextlib import closing
from typing import NoReturn

import click

from audit_service.cli.program import PROGRAM
from audit_service.log import Backend, LogUnavailable, SchemaMismatch, open_log
from audit_service.search import SearchIndex
from audit_service.search.index import place
from audit_service.search.index.faults import IndexUnusable
from audit_service.search.index.indexer import Indexer, sole_indexer
from audit_service.settings import Settings
from service_kit import sqlite_file
from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.cli.ending import end
from service_kit.cli.options import as_json
from service_kit.cli.table import print_rows
from service_kit.disk_reserve import DiskReserve

UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h


@click.command()
@as_json
@click.pass_obj
def status(service: Service[Settings], *, as_json: bool) -> None:
    """How far the index came, and its size."""
    settings, path = _settings(service)
    with closing(_log_of(settings)) as backend:
        index = SearchIndex(path, backend)
        mark = index.mark()
        position, last = mark.position if mark else 0, backend.last()
        row = {
            "file": path,
            "position": position,
            "lag": last - position,
            "bytes": sqlite_file.size(path),
        }
        index.close()
    print_rows([row], tuple(row), as_json=as_json)


@click.command()
@click.pass_obj
def rebuild(service: Service[Settings]) -> None:
    """Make the index anew, while a service runs or not. Queries scan the log meanwhile."""
    settings, path = _settings(service)
    try:
        with closing(_log_of(settings)) as backend, sole_indexer(path) as is_sole:
            if is_sole:
                place.remove(path)
                _index_all(settings, path, backend)
            else:
                place.check_may_remove(path)
                place.ask_for_rebuild(path)
                click.echo("the service that runs makes it anew")
    except (IndexUnusable, OSError) as error:
        _exit_unavailable(error)


def _index_all(settings: Settings, path: str, backend: Backend) -> None:
    with (
        closing(_indexer(settings, path, backend)) as indexer,
        click.progressbar(length=backend.last(), label="events", file=sys.stderr) as bar,
    ):
        while added := indexer.step():
            bar.update(added)
        if indexer.position < backend.last():
            raise IndexUnusable("it cannot be written; why is said above")


def _log_of(settings: Settings) -> Backend:
    try:
        return open_log(*_place(settings))
    except (LogUnavailable, SchemaMismatch) as error:
        _exit_unavailable(error)


def _exit_unavailable(error: Exception) -> NoReturn:
    end(PROGRAM, UNAVAILABLE, str(error))


def _settings(service: Service[Settings]) -> tuple[Settings, str]:
    """The settings, and the file of the index; the process ends where there is to be none."""
    settings = commands.load_settings(service)
    if settings.index_path is None:
        commands.exit_with(service, "AUDIT_SERVICE_INDEX: there is no index")
    return settings, settings.index_path


def _indexer(settings: Settings, path: str, backend: Backend) -> Indexer:
    return Indexer(backend, path, DiskReserve(path, settings.disk_reserve).has_ample_room)


def _place(settings: Settings) -> tuple[str, str]:
    return settings.database_url, settings.database_password.get_secret_value()


def command(service: Service[Settings]) -> click.Group:
    """The command group, on the log that the service's settings name."""
    return click.Group(
        "index",
        help="Look after the index of searches.",
        commands=[status, rebuild],
        context_settings={"obj": service},
    )
