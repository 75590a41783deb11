"""Requests as metrics, and `/metrics`, where all metrics are read."""

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from service_kit.concurrency import Runner, run_here
from service_kit.http.blocking import never_blocks
from service_kit.http.log_metrics import LostLines
from service_kit.http.request_log import OnAnswered
from service_kit.metrics.registry import Metrics

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "All metrics in its text format",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}

# A client may call its method anything; the metrics stay few.
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)


def request_counter(metrics: Metrics, lost_lines: LostLines) -> OnAnswered:
    """A function that counts each request it is called with; a route is a rule, never a path.

    It counts the log lines that were lost meanwhile, too.
    """
    requests = metrics.counter(
        "http_requests_total",
        "Requests that were answered; a route is `-` where there is none",
        ["method", "route", "status"],
    )
    seconds = metrics.histogram(
        "http_request_seconds",
        "From a request's arrival until its answer is made",
        ["route"],
        buckets=_SECONDS,
    )
    # Kept, since to find a metric by its labels takes longer than to count.
    counters: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def count(method: str, route: str, status: int, took: float) -> None:
        key = method if method in _METHODS else "other", route, status
        if key not in counters:
            counters[key] = requests.labels(*key).inc, seconds.labels(route).observe
        increase, observe = counters[key]
        increase()
        observe(took)
        lost_lines.count()

    return count


def blueprint(metrics: Metrics, lost_lines: LostLines, run: Runner = run_here) -> APIBlueprint:
    """The route `/metrics`; `run` writes them, which waits for no other requests."""
    routes = APIBlueprint("metrics", __name__)

    @routes.get("/metrics")
    @routes.doc(summary="What was counted and measured, for Prometheus", responses=_ANSWERS)
    @never_blocks
    def show() -> Response:
        lost_lines.count()
        return Response(run(metrics.text), content_type=MEDIA_TYPE)

    return routes
