"""Requests as metrics, and `/metrics`, where all metrics are read."""

import time
from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from flask import Flask, Response, request

from service_kit import requests_log
from service_kit.metrics import Metrics

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "All metrics in its text format",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}

# Whatever a client calls its method, the metrics stay few.
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)


def register(app: Flask, metrics: Metrics) -> None:
    """Count every request of `app`; it is the route that is told, never the path."""
    count = _counter(metrics)

    def end(response: Response) -> Response:
        rule = request.url_rule
        method = request.environ["REQUEST_METHOD"]
        count(
            method if method in _METHODS else "other",
            rule.rule if rule else "-",
            response.status_code,
            time.monotonic() - requests_log.started(),
        )
        return response

    app.after_request(end)


def blueprint(metrics: Metrics) -> APIBlueprint:
    """The route."""
    told = APIBlueprint("metrics", __name__)

    @told.get("/metrics")
    @told.doc(summary="What was counted and measured, for Prometheus", responses=_ANSWERS)
    def show() -> Response:
        return Response(metrics.text(), content_type=MEDIA_TYPE)

    return told


def _counter(metrics: Metrics) -> Callable[[str, str, int, float], None]:
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
    # To find a metric by its labels takes longer than to count.
    found: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def count(method: str, route: str, status: int, took: float) -> None:
        key = method, route, status
        if key not in found:
            found[key] = requests.labels(*key).inc, seconds.labels(route).observe
        increase, observe = found[key]
        increase()
        observe(took)

    return count
