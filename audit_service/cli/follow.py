"""Command `audit-service follow`, which `run` starts: the process that goes behind the log's end.

It fills the index of searches and signs the log, and reads each event once for both.
"""

import os
import threading
from contextlib import ExitStack, closing
from functools import partial

import click
import structlog

from audit_service.evidence.integrator import Integrator
from audit_service.evidence.tree_store import open_tree
from audit_service.evidence.witnessing import objection, start_witnessing
from audit_service.log import Backend, LogUnavailable, SchemaMismatch, database_at, open_log
from audit_service.log.followers import PatientFollower, follow
from audit_service.log.recent_records import RecentRecords
from audit_service.search.index.indexer import Indexer, SoleIndexer
from audit_service.settings import Settings
from service_kit import logs
from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.disk_reserve import DiskReserve
from service_kit.process.companion import ends_with_its_server
from service_kit.process.shutdown import stop_event

NICENESS = 10
"""What others wait for comes first."""
OPEN_SECONDS = 1.0

log = structlog.get_logger()


def command(service: Service[Settings]) -> click.Command:
    """The command, on the log that the service's settings name."""

    @click.command("follow", hidden=True)
    def follow_log() -> None:
        """Keep the index and the tree up to date until SIGTERM, or the standard input ends."""
        stop = stop_event()
        settings = commands.load_settings(service)
        logs.queue_lines()
        ends_with_its_server(stop)
        os.nice(NICENESS)
        backend = _wait_for_log(settings, stop)
        if backend is not None:
            with closing(backend):
                _follow(settings, backend, stop)

    return follow_log


def _follow(settings: Settings, backend: Backend, stop: threading.Event) -> None:
    records = RecentRecords(backend)
    with ExitStack() as opened:
        followers = []
        if settings.index_path is not None:
            room = DiskReserve(settings.index_path, settings.disk_reserve)
            indexer = Indexer(backend, settings.index_path, room.has_ample_room, records)
            sole = opened.enter_context(closing(SoleIndexer(indexer, settings.index_path)))
            followers.append(PatientFollower(sole, "the log cannot be indexed"))
        store = opened.enter_context(closing(open_tree(*_place(settings))))
        disk = DiskReserve.of(database_at(*_place(settings)), settings.disk_reserve)
        policy = settings.policy
        integrator = Integrator(
            *(records, store, settings.signing, disk.has_room),
            objection=partial(objection, store, policy),
        )
        start_witnessing(lambda: open_tree(*_place(settings)), policy, stop)
        followers.append(PatientFollower(integrator, "the log cannot be signed"))
        follow(followers, stop)


def _wait_for_log(settings: Settings, stop: threading.Event) -> Backend | None:
    """The log once it can be used; None where `stop` comes first."""
    is_first = True
    while not stop.is_set():
        try:
            return open_log(*_place(settings))
        except (LogUnavailable, SchemaMismatch) as error:
            if is_first:
                log.warning("the log cannot be followed", reason=str(error))
            is_first = False
            stop.wait(OPEN_SECONDS)
    return None


def _place(settings: Settings) -> tuple[str, str]:
    return settings.database_url, settings.database_password.get_secret_value()
