"""Audit service: a sink for CloudEvents.

An event that it acknowledged is on disk, exactly once, unaltered, and can be found.
`create_app` is the only place where its parts are put together.
"""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Final

from audit_service import page
from audit_service.access.own_events import OwnEvents
from audit_service.access.scopes import KINDS, ROUTE_SCOPES, kinds
from audit_service.access.token_store import TokenStore, open_tokens
from audit_service.api import evidence as evidence_api
from audit_service.api import (
    export,
    handshake,
    proofs,
    query,
    read_events,
    receive,
    statistics,
    status,
    stream,
    stream_frames,
)
from audit_service.api import rejected as rejected_api
from audit_service.api.problems import PROBLEM_FOR
from audit_service.api.rejected_actions import RejectedActions
from audit_service.api.stream import Streams
from audit_service.api.stream_timing import STREAM_TIMING, StreamTiming
from audit_service.evidence.served_tree import ServedTree
from audit_service.evidence.status import EvidenceStatus
from audit_service.evidence.tree_store import TreeStore, open_tree
from audit_service.log import Backend, EventLog, LogUnavailable, database_at, migrate, open_log
from audit_service.metrics import EventMetrics, StreamMetrics
from audit_service.rejected import HttpRecorder, RejectedStore, open_rejected
from audit_service.search import Search, SearchIndex
from audit_service.search.arrivals import Arrivals
from audit_service.search.index.status import IndexStatus
from audit_service.search.live import Hub
from audit_service.settings import Settings
from service_kit.access import guard, openapi, session_routes
from service_kit.access.controls import controls
from service_kit.access.token_cache import TOKEN_TIMING, TokenTiming
from service_kit.concurrency import THREADS, Concurrency
from service_kit.disk_reserve import DiskReserve
from service_kit.http import api_docs, landing_page
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.metrics.registry import Metrics

TITLE = "Audit service"
DESCRIPTION = "A sink for CloudEvents: what it acknowledged is kept unaltered, and can be found"
VERSION = version("post-cloudevents")


@dataclass(frozen=True, slots=True)
class Stores:
    """What is in the log's database."""

    backend: Backend
    rejected: RejectedStore
    tokens: TokenStore
    tree: TreeStore


@dataclass(frozen=True, slots=True)
class Timing:
    """How often is looked, where no setting says so."""

    tokens: TokenTiming = TOKEN_TIMING
    streams: StreamTiming = STREAM_TIMING


TIMING: Final = Timing()


def create_app(
    settings: Settings, concurrency: Concurrency = THREADS, timing: Timing = TIMING
) -> ServiceApp:
    """The WSGI application, for any server; `concurrency`: of its requests.

    Raises LogUnavailable, SchemaMismatch.
    """
    place = settings.database_url, settings.database_password.get_secret_value()
    if settings.migrate:
        migrate(*place)
    disk = DiskReserve.of(database_at(*place), settings.disk_reserve)
    rejected = open_rejected(*place, disk.has_room)
    stores = Stores(open_log(*place), rejected, open_tokens(*place), open_tree(*place))
    return app_on(stores, settings, disk, concurrency, timing)


def app_on(
    stores: Stores,
    settings: Settings,
    disk: DiskReserve,
    concurrency: Concurrency = THREADS,
    timing: Timing = TIMING,
) -> ServiceApp:
    """The application on stores that are open; it closes the backend."""
    backend, rejected = stores.backend, stores.rejected
    metrics = Metrics()
    guards = controls(
        *(settings, kinds(is_public=settings.log_public), stores.tokens.all),
        unavailable=(LogUnavailable,),
        run=concurrency.runner(1),
        metrics=metrics,
        timing=timing.tokens,
    )
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
    policy = settings.policy
    evidence_status = EvidenceStatus(backend, stores.tree, settings.signing, policy)
    evidence_status.show(metrics)
    search = Search(backend, index)
    run_lists = concurrency.runner(max(1, settings.threads - 1))
    app = service_app.create(
        __name__,
        title=TITLE,
        version=VERSION,
        problem_for=PROBLEM_FOR,
        checks={"database": backend.ping},
        reports={
            "index": index_status.readiness,
            "evidence": evidence_status.readiness,
            **disk.reports(),
        },
        metrics=metrics,
        hosts=settings.hosts_on(settings.bind),
        concurrency=concurrency,
        reads_at_once=1,
        listing=run_lists,
        shows_reports=guard.may_see_reports,
        trusted_proxies=settings.trusted_proxies,
    )
    guard.register(app, guards.access)
    own_events = OwnEvents(event_log, is_telling=guards.access.is_controlled)
    if settings.audit_reads:
        read_events.register(app, ROUTE_SCOPES, own_events)
    app.register_blueprint(session_routes.blueprint(guards.tokens, guards.sessions))
    app.register_blueprint(landing_page.blueprint(TITLE, VERSION, DESCRIPTION))
    api_docs.register(app, concurrency.runner(1))
    origins = [each.lower() for each in settings.webhook_origins.split(",") if each]
    app.register_blueprint(handshake.blueprint(origins, settings.webhook_rate))
    arrivals = Arrivals(backend, concurrency, lambda: app.is_draining)
    app.register_blueprint(
        receive.blueprint(
            *(event_log, settings, event_metrics, recorder.record, concurrency),
            own_events=own_events,
        )
    )
    app.register_blueprint(query.blueprint(search, arrivals, run_lists))
    app.register_blueprint(statistics.blueprint(search))
    app.register_blueprint(
        export.blueprint(search, concurrency.runner(1), lambda: app.is_draining, own_events)
    )
    is_shared = settings.log_public or not guards.access.is_controlled
    tree = ServedTree(backend, stores.tree, policy)
    app.register_blueprint(evidence_api.blueprint(tree, is_shared=is_shared))
    app.register_blueprint(proofs.blueprint(backend, tree))
    streams = Streams(
        search,
        Hub(backend, concurrency, stream_frames.frame, lambda: app.is_draining),
        concurrency.runner(1),
        StreamMetrics(metrics),
        most=settings.max_streams,
        is_over=lambda: app.is_draining,
        timing=timing.streams,
    )
    app.register_blueprint(stream.blueprint(streams))
    actions = RejectedActions(rejected, event_log, settings.reader, run_lists, own_events)
    app.register_blueprint(rejected_api.blueprint(actions))
    app.register_blueprint(status.blueprint(backend, index_status, VERSION))
    page.register(
        *(app, search, actions, partial(status.report, backend, index_status, VERSION)),
        is_signed=tree.covers,
        run=concurrency.runner(1),
        is_controlled=guards.access.is_controlled,
    )
    openapi.describe(app, guards.access, guards.sessions.cookie, KINDS.query_paths)
    for closed in (backend, index, stores.tree, stores.tokens, recorder):
        app.close_with(closed.close)
    return app
