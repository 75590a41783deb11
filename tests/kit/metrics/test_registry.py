"""Every application tells at `/metrics` what became of its requests, and what it reads itself."""

import subprocess
import sys
import threading
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs

from service_kit.http import app as service_app
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics
from tests.support.metrics_scrape import Scrape

DEPTH = Gauge("trial_depth", "How deep")
AGE = Gauge("trial_age_seconds", "How old")
LAG = Gauge("trial_lag", "How late", labels=("topic", "partition"))


def _app(metrics: Metrics | None = None) -> Flask:
    app = service_app.create(
        __name__, title="Trial", version="1", problem_for={}, checks={}, metrics=metrics
    )

    @app.get("/things/<name>")
    def thing(name: str) -> str:
        if name == "broken":
            raise RuntimeError
        return name

    return app


def _scrape(app: Flask) -> Scrape:
    return Scrape(app.test_client().get("/metrics").text)


def _requests(scrape: Scrape, method: str, route: str, status: int) -> float | None:
    labels = {"method": method, "route": route, "status": str(status)}
    return scrape.value("http_requests_total", **labels)


# Requests


def test_requests_are_counted_by_method_route_and_status() -> None:
    app = _app()
    client = app.test_client()
    for path in ("/things/a", "/things/b", "/nowhere", "/things/broken"):
        with capture_logs():
            client.get(path)
    client.post("/things/a")
    scrape = _scrape(app)
    assert _requests(scrape, "GET", "/things/<name>", 200) == 2
    assert _requests(scrape, "GET", "/things/<name>", 500) == 1
    assert _requests(scrape, "GET", "-", 404) == 1
    assert _requests(scrape, "POST", "-", 405) == 1


def test_seconds_of_requests_are_measured_by_route() -> None:
    app = _app()
    for _ in range(3):
        app.test_client().get("/things/a")
    scrape = _scrape(app)
    route = "/things/<name>"
    assert scrape.value("http_request_seconds_count", route=route) == 3
    assert scrape.value("http_request_seconds_bucket", route=route, le="20.0") == 3
    took = scrape.value("http_request_seconds_sum", route=route)
    assert took is not None
    assert 0 < took < 3


def test_a_client_cannot_make_a_metric_of_its_own() -> None:
    app = _app()
    client = app.test_client()
    for path in ("/a", "/b", "/things/secret", "/things/secret?key=secret"):
        client.get(path)
    for method in ("BREW", "secret", "PROPFIND"):
        client.open("/things/a", method=method)
    text = client.get("/metrics").text
    assert _requests(Scrape(text), "other", "-", 405) == 3
    assert "secret" not in text
    assert "BREW" not in text


def test_requests_of_many_threads_are_all_counted() -> None:
    app = _app()

    def ask() -> None:
        client = app.test_client()
        for _ in range(50):
            client.get("/things/a")

    with capture_logs():
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert _requests(_scrape(app), "GET", "/things/<name>", 200) == 200


def test_each_application_has_metrics_of_its_own() -> None:
    apps = [_app() for _ in range(100)]
    apps[0].test_client().get("/things/a")
    assert _requests(_scrape(apps[0]), "GET", "/things/<name>", 200) == 1
    assert _requests(_scrape(apps[99]), "GET", "/things/<name>", 200) is None


def test_the_answer_is_the_text_format_and_is_in_the_document() -> None:
    client = _app().test_client()
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    document = client.get("/openapi.json").get_json()
    described = document["paths"]["/metrics"]["get"]["responses"]["200"]
    assert list(described["content"]) == ["text/plain"]


# Counters, histograms


def test_a_counter_that_nothing_raised_is_0_and_not_missing() -> None:
    metrics = Metrics()
    metrics.counter("trial_total", "Trials")
    metrics.histogram("trial_seconds", "Seconds", buckets=(1, 2))
    scrape = _scrape(_app(metrics))
    assert scrape.value("trial_total") == 0
    assert scrape.value("trial_seconds_count") == 0


def test_two_metrics_of_one_name_are_refused() -> None:
    metrics = Metrics()
    metrics.counter("trial_total", "Trials")
    with pytest.raises(ValueError, match="trial"):
        metrics.counter("trial_total", "Trials")


# Gauges


def test_a_gauge_is_read_whenever_it_is_asked_for() -> None:
    metrics = Metrics()
    depths = iter((3, 0))
    metrics.gauges([DEPTH], lambda: {DEPTH: next(depths)})
    app = _app(metrics)
    assert [_scrape(app).value("trial_depth") for _ in range(2)] == [3, 0]


def test_gauges_that_are_known_together_are_read_once() -> None:
    metrics = Metrics()
    reads: list[int] = []

    def read() -> dict[Gauge, Any]:
        reads.append(1)
        return {DEPTH: 1, AGE: 2.5}

    metrics.gauges([DEPTH, AGE], read)
    scrape = _scrape(_app(metrics))
    assert (scrape.value("trial_depth"), scrape.value("trial_age_seconds")) == (1, 2.5)
    assert len(reads) == 1


def test_a_gauge_with_labels_has_a_value_for_each_of_their_values() -> None:
    metrics = Metrics()
    metrics.gauges([LAG], lambda: {LAG: {("audit", "0"): 5, ("audit", "1"): 0}})
    scrape = _scrape(_app(metrics))
    assert scrape.value("trial_lag", topic="audit", partition="0") == 5
    assert scrape.value("trial_lag", topic="audit", partition="1") == 0


def test_a_gauge_that_has_no_value_now_is_left_without_one() -> None:
    metrics = Metrics()
    metrics.gauges([DEPTH, AGE], lambda: {DEPTH: 0})
    scrape = _scrape(_app(metrics))
    assert scrape.value("trial_depth") == 0
    assert scrape.value("trial_age_seconds") is None


def test_gauges_that_cannot_be_read_leave_the_others_in_place() -> None:
    def fails() -> dict[Gauge, Any]:
        raise RuntimeError("SELECT secret")

    metrics = Metrics()
    metrics.gauges([DEPTH], fails)
    metrics.gauges([AGE], lambda: {AGE: 1})
    app = _app(metrics)
    with capture_logs() as logged:
        scrape = _scrape(app)
    assert (scrape.value("trial_depth"), scrape.value("trial_age_seconds")) == (None, 1)
    assert _requests(_scrape(app), "GET", "/metrics", 200) == 1
    (line,) = [each for each in logged if each["log_level"] == "warning"]
    assert (line["gauges"], line["reason"]) == (["trial_depth"], "RuntimeError")
    assert "secret" not in repr(logged)


# Importing


@pytest.mark.parametrize("module", ["audit_service.cli", "user_service.cli"])
def test_the_commands_start_before_the_library_chooses_where_values_are(module: str) -> None:
    code = f"import sys, {module}; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
