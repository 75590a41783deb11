"""Command `user-service relay`: a process of its own that delivers the outbox."""

import os
import socket
import threading
from collections.abc import Callable

import click

from service_kit.cli import commands
from service_kit.process import admin_server, shutdown
from user_service.relay import Relay, RelayTiming, health
from user_service.settings import Settings
from user_service.sinks import open_batch_sender
from user_service.store import database

# The relay's own, the notifier's, and those of the admin port.
CONNECTIONS = 4


def command(
    service: commands.Service[Settings], prepare: Callable[[Settings], None]
) -> click.Command:
    """The command. `prepare` checks settings and schema before it starts; it raises StartError."""

    @click.command()
    def relay() -> None:
        """Deliver what waits in the outbox, until SIGTERM or Ctrl-C. One of several is active."""

        def checked(settings: Settings) -> None:
            commands.check_access(service, settings, settings.relay_bind)
            prepare(settings)

        settings = commands.prepare_to_run(service, checked)
        # MUST be before any other thread starts.
        _relay(service, settings, shutdown.stop_event())

    return relay


def _relay(service: commands.Service[Settings], settings: Settings, stop: threading.Event) -> None:
    # A relay that is paused in the middle of a heartbeat must not block its successor.
    engine = database.open_engine(
        settings, threads=CONNECTIONS, idle_seconds=settings.relay_lease_seconds
    )
    app, status = health.create(engine, settings)
    with commands.exit_on_start_error(service):
        port = admin_server.start(app, settings.relay_bind)
    name = f"{socket.gethostname()}:{os.getpid()}"
    timing = RelayTiming.of(settings, engine.dialect.name)
    Relay(engine, open_batch_sender(settings), status, timing).run(name, stop)
    port.close()
    engine.dispose()
