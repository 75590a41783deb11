"""Metrics of events on `/metrics`: outcomes, reasons of rejections, commits."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from audit_service.log import Backend, EventLog, LogUnavailable, Receipt
from tests.support.audit_client import FailingBackend, Sink, failing_sink, open_sink
from tests.support.log_databases import everything, positions
from tests.support.log_processes import event
from tests.support.metrics_scrape import Scrape


def scrape(sink: Sink) -> Scrape:
    return Scrape(sink.client.get("/metrics").text)


def rejected(sink: Sink) -> dict[str, float]:
    values = scrape(sink).values("audit_service_rejected_total", "reason")
    return {reason: value for reason, value in values.items() if value}


def test_events_are_counted_by_what_became_of_them(sink: Sink) -> None:
    for body in (b"1", b"1", b"1", b"2", b"2"):
        assert sink.binary(body=body).status_code == 204
    assert sink.batch([{"id": "2"}, {"id": "3"}, {"id": "3"}]).status_code == 204
    assert scrape(sink).values("audit_service_events_total", "outcome") == {
        "stored": 3,
        "duplicate": 4,
        "conflicting": 1,
    }


def test_outcomes_and_reasons_that_never_came_up_are_0(sink: Sink) -> None:
    metrics = scrape(sink)
    outcomes = metrics.values("audit_service_events_total", "outcome")
    assert outcomes == {"stored": 0, "duplicate": 0, "conflicting": 0}
    reasons = metrics.values("audit_service_rejected_total", "reason")
    assert reasons == dict.fromkeys([*REFUSED, "source"], 0)


REFUSED: dict[str, Callable[[Sink], TestResponse]] = {
    "event": lambda sink: sink.binary({"id": None}),
    "batch": lambda sink: sink.batch([{}, {"id": ""}]),
    "batch-size": lambda sink: sink.batch([{"id": "1"}, {"id": "2"}, {"id": "3"}]),
    "json-values": lambda sink: sink.binary(body=b"[0" + b",0" * 1000 + b"]"),
    "format": lambda sink: sink.post(b"", "application/cloudevents+avro"),
    "body": lambda sink: sink.binary(body=b"x" * (64 * 1024 + 1)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_delivery_that_is_refused_is_counted_by_the_reason(tmp_path: Path, reason: str) -> None:
    limits = {"max_event_bytes": 64 * 1024, "max_batch_events": 2, "max_json_values": 1000}
    with open_sink(tmp_path, **limits) as sink:
        assert REFUSED[reason](sink).status_code in {400, 413, 415}
        assert rejected(sink) == {reason: 1}
        assert sum(scrape(sink).values("audit_service_events_total", "outcome").values()) == 0


def test_a_log_that_is_unavailable_counts_no_rejection() -> None:
    sink = failing_sink(LogUnavailable("away"))
    with capture_logs():
        assert sink.binary().status_code == 503
    assert rejected(sink) == {}


def test_commits_are_measured_in_events_and_seconds(sink: Sink) -> None:
    sink.binary()
    sink.batch([{"id": str(n)} for n in range(5)])
    metrics = scrape(sink)
    assert metrics.value("audit_service_commit_events_count") == 2
    assert metrics.value("audit_service_commit_events_sum") == 6
    assert metrics.value("audit_service_commit_events_bucket", le="4.0") == 1
    assert metrics.value("audit_service_commit_seconds_count") == 2
    assert 0 < (metrics.value("audit_service_commit_seconds_sum") or 0) < 10


def test_on_commit_is_called_with_the_receipts_once_they_are_on_disk(backend: Backend) -> None:
    calls: list[Sequence[Receipt]] = []

    def committed(receipts: Sequence[Receipt], seconds: float) -> None:
        assert seconds > 0
        assert positions(everything(backend)) == [2, 1]
        calls.append(receipts)

    receipts = EventLog(backend, on_commit=committed).append([event("1"), event("2")])
    assert calls == [receipts]


def test_on_commit_is_not_called_for_a_commit_that_fails() -> None:
    calls: list[object] = []
    backend = FailingBackend(LogUnavailable("away"))
    event_log = EventLog(backend, on_commit=lambda *commit: calls.append(commit))
    with pytest.raises(LogUnavailable):
        event_log.append([event("1")])
    assert calls == []
