"""gunicorn as the server of an application, with the settings that were found to matter."""

import os
import resource
from collections.abc import Callable
from typing import Any

import gevent
import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from service_kit.concurrency import Concurrency
from service_kit.http.app import ServiceApp
from service_kit.memory_folder import memory_folder
from service_kit.metrics import multiprocess
from service_kit.process.companion import Companion
from service_kit.process.connections import Bounds
from service_kit.process.gc import tune_gc
from service_kit.process.greenlets import Greenlets
from service_kit.process.ports import addresses_of, wait_for_port
from service_kit.process.worker import Worker
from service_kit.settings.base import ServiceSettings

log = structlog.get_logger()

GRACE_SECONDS = 20
"""For which a worker that stops answers what was sent."""
MAX_FILES = 65536


CreateApp = Callable[[Concurrency], ServiceApp]


def run(
    service: str,
    settings: ServiceSettings,
    create_app: CreateApp,
    retry_startup_on: tuple[type[Exception], ...] = (),
    companion: Companion | None = None,
) -> None:
    """Serve what `create_app` makes, called once in each worker with the concurrency of its
    requests, until SIGTERM or SIGINT.

    `retry_startup_on`: raised by `create_app` while a dependency is away. A worker that starts then
    waits for it, where gunicorn would end the whole service. `companion`: runs meanwhile.
    Raises PortTaken where the address is in use; see `wait_for_port`.
    """
    wait_for_port(settings.bind)
    files = _allow_open_files()
    with multiprocess.shared_folder():
        _Server(service, settings, files, create_app, retry_startup_on, companion=companion).run()


def _allow_open_files() -> int:
    """Allow as many as the system lets us have, of which each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(allowed, soft)


class _PropagatingLogger(Logger):
    """Passes gunicorn's own lines on to the service's log."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Arbiter(Arbiter):
    """The master, which looks after a companion as after the workers."""

    def __init__(self, app: BaseApplication, companion: Companion | None) -> None:
        self._companion = companion
        super().__init__(app)

    def manage_workers(self) -> None:
        super().manage_workers()
        if self._companion is not None:
            self._companion.keep_running()

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001, FBT002 - of its base
        super().stop(graceful)
        if self._companion is not None:
            self._companion.stop()


class _Server(BaseApplication):
    """What a worker serves: see `Worker`."""

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        files: int,
        create_app: CreateApp,
        retry_startup_on: tuple[type[Exception], ...],
        *,
        companion: Companion | None,
    ) -> None:
        self._companion = companion
        self._service = service
        self._settings = settings
        self._create_app = create_app
        self._retry_startup_on = retry_startup_on
        self.bounds = Bounds.of(settings, files)
        self.drain_seconds = settings.drain_seconds
        self.waits_to_start = False
        super().__init__()

    def run(self) -> None:
        _Arbiter(self, self._companion).run()

    def begin_draining(self) -> None:
        if self.callable is not None:
            self.callable.is_draining = True

    def load_config(self) -> None:
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> ServiceApp:
        app = self._created()
        tune_gc()
        return app

    def _created(self) -> ServiceApp:
        while True:
            try:
                app = self._create_app(Greenlets())
            except self._retry_startup_on as error:
                self.waits_to_start = True
                log.error("a worker waits to start", reason=type(error).__name__)  # noqa: TRY400 - one line
                gevent.sleep(1)
            else:
                self.waits_to_start = False
                return app

    def _options(self) -> dict[str, Any]:
        settings, memory = self._settings, memory_folder()
        return {
            # Those that were probed: gunicorn takes one address of a name, and not the first.
            "bind": addresses_of(settings.bind),
            "workers": settings.workers,
            "worker_class": Worker,
            # Without it all of a client's kept-alive connections can land on one worker.
            "reuse_port": True,
            "graceful_timeout": GRACE_SECONDS + settings.drain_seconds,
            "timeout": 60,
            "worker_tmp_dir": memory and str(memory),
            # Threads, database pools and librdkafka do not survive a fork.
            "preload_app": False,
            # Two services on one machine would share the one control socket.
            "control_socket_disable": True,
            # Any event of 64 KiB passes, whatever of it is in headers, in any number of them.
            "limit_request_field_size": 256 * 1024,
            "limit_request_fields": 16 * 1024,
            "limit_request_line": 8190,
            # Whose X-Forwarded-Proto, SCRIPT_NAME and PATH_INFO count: nobody's by default.
            "forwarded_allow_ips": settings.trusted_proxies,
            "logger_class": _PropagatingLogger,
            "loglevel": "warning",
            "when_ready": self._say_listening,
            "child_exit": lambda _arbiter, worker: multiprocess.worker_died(worker.pid),
        }

    def _say_listening(self, _: Any) -> None:
        message = f"{self._service} listens on http://{self._settings.bind}"
        log.info(message, pid=os.getpid())
