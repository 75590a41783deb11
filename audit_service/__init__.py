"""Audit service: a sink for CloudEvents.

An event that it acknowledged is on disk, exactly once, unaltered, and can be found.
`create_app` is the only place where its parts are put together.
"""

from importlib.metadata import version

from audit_service.api import export, query, receive, statistics, status, stream
from audit_service.api import rejected as rejected_api
from audit_service.api.problems import PROBLEM_FOR
from audit_service.api.stream import Streams
from audit_service.log import Backend, EventLog, database_at, migrate, open_log
from audit_service.metrics import EventMetrics, StreamMetrics
from audit_service.rejected import HttpRecorder, RejectedStore, open_rejected
from audit_service.search import Search, SearchIndex
from audit_service.search.arrivals import Arrivals
from audit_service.search.index.status import IndexStatus
from audit_service.search.live import Hub
from audit_service.settings import Settings
from service_kit.concurrency import THREADS, Concurrency
from service_kit.disk_reserve import DiskReserve
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.metrics.registry import Metrics

VERSION = version("post-cloudevents")


def create_app(settings: Settings, concurrency: Concurrency = THREADS) -> ServiceApp:
    """The WSGI application, for any server; `concurrency`: of its requests.

    Raises LogUnavailable, SchemaMismatch.
    """
    place = settings.database_url, settings.database_password.get_secret_value()
    if settings.migrate:
        migrate(*place)
    disk = DiskReserve.of(database_at(*place), settings.disk_reserve)
    rejected = open_rejected(*place, disk.has_room)
    return app_on(open_log(*place), rejected, settings, disk, concurrency)


def app_on(
    backend: Backend,
    rejected: RejectedStore,
    settings: Settings,
    disk: DiskReserve,
    concurrency: Concurrency = THREADS,
) -> ServiceApp:
    """The application on stores that are open; it closes the backend."""
    metrics = Metrics()
    event_metrics = EventMetrics(metrics)
    event_log = EventLog(
        backend,
        timeout=settings.commit_timeout,
        on_commit=event_metrics.committed,
        has_room=disk.has_room,
        concurrency=concurrency,
    )
    recorder = HttpRecorder(
        rejected, settings.keep_rejected, event_metrics.not_kept, processes=settings.workers
    )
    index = SearchIndex(settings.index_path, backend)
    index_status = IndexStatus(backend, index, settings.index_path)
    index_status.show(metrics)
    search = Search(backend, index)
    run_lists = concurrency.runner(max(1, settings.threads - 1))
    app = service_app.create(
        __name__,
        title="Audit service",
        version=VERSION,
        problem_for=PROBLEM_FOR,
        checks={"database": backend.ping},
        reports={"index": index_status.readiness, **disk.reports()},
        metrics=metrics,
        hosts=settings.hosts_on(settings.bind),
        concurrency=concurrency,
        reads_at_once=1,
        listing=run_lists,
    )
    arrivals = Arrivals(backend, concurrency, lambda: app.is_draining)
    app.register_blueprint(
        receive.blueprint(event_log, settings, event_metrics, recorder.record, concurrency)
    )
    app.register_blueprint(query.blueprint(search, arrivals, run_lists))
    app.register_blueprint(statistics.blueprint(search))
    app.register_blueprint(export.blueprint(search, concurrency.runner(1), lambda: app.is_draining))
    streams = Streams(
        search,
        Hub(backend, concurrency, stream.frame, lambda: app.is_draining),
        concurrency.runner(1),
        StreamMetrics(metrics),
        most=settings.max_streams,
        is_over=lambda: app.is_draining,
    )
    app.register_blueprint(stream.blueprint(streams))
    app.register_blueprint(rejected_api.blueprint(rejected, event_log, settings.reader, run_lists))
    app.register_blueprint(status.blueprint(backend, index_status, VERSION))
    app.close_with(backend.close)
    app.close_with(index.close)
    app.close_with(recorder.close)
    return app
