"""Tolerances as a setting: what is let in by default, what a refusal logs and counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from audit_service.events import DEFAULT, STRICT, Tolerance
from audit_service.settings import Settings
from service_kit.settings.base import SettingsError
from tests.support.audit_client import Sink, open_sink
from tests.support.metrics_scrape import Scrape


@pytest.fixture
def usual(tmp_path: Path) -> Iterator[Sink]:
    """A sink without any setting."""
    with open_sink(tmp_path) as opened:
        yield opened


def test_raw_header_values_are_let_in_and_marked_by_default(usual: Sink) -> None:
    with capture_logs() as lines:
        assert usual.binary({"subject": "100%"}).status_code == 204
        assert usual.binary({"id": "2", "datacontenttype": "a/b"}).status_code == 204
        assert usual.binary({"id": "3"}).status_code == 204
    marks = [record["tolerated"] for record in usual.shown()]
    assert marks == [["raw-header-values"], ["datacontenttype-header"], []]
    found = [line.get("tolerated") for line in lines if line["event"].startswith("Found ")]
    assert found == [("raw-header-values",), ("datacontenttype-header",), None]


def test_attribute_names_are_refused_by_default(usual: Sink) -> None:
    assert usual.rejected(usual.structured({"methodName": "x"})) == "methodName"


def test_a_refusal_is_logged_by_attribute_and_rule_and_never_by_value(sink: Sink) -> None:
    with capture_logs() as lines:
        sink.structured({"time": "secret"})
        sink.batch([{}, {"time": "secret"}, {"id": ""}])
        sink.post(b"secret", "application/cloudevents+avro")
    refused = [line for line in lines if line["event"] == "a delivery was refused"]
    assert [(line["log_level"], line.get("attribute")) for line in refused] == [
        ("warning", "time"),
        ("warning", "time"),
        ("warning", None),
    ]
    assert refused[0]["rule"] == "is no timestamp (RFC 3339)"
    assert (refused[1]["index"], refused[1]["bad_items"]) == (1, 2)
    assert "secret" not in str(lines)


def test_refusals_are_counted_by_rule(sink: Sink) -> None:
    sink.structured({"time": "x"})
    sink.batch([{"time": "x"}, {"id": ""}, {}])
    sink.structured("{no")
    sink.post(b"", "application/cloudevents+avro")
    sink.binary(body=b"x" * (1024 * 1024 + 1))
    metrics = Scrape(sink.client.get("/metrics").text).values(
        "audit_service_broken_rules_total", "rule"
    )
    assert {rule: count for rule, count in metrics.items() if count} == {
        "timestamp": 2,
        "attribute-value": 1,
        "json": 1,
        "format": 1,
        "size": 1,
    }


@pytest.mark.parametrize(
    ("text", "tolerances"),
    [
        ("none", STRICT),
        ("dataschema", {Tolerance.DATASCHEMA}),
        ("attribute-names, dataschema", {Tolerance.ATTRIBUTE_NAMES, Tolerance.DATASCHEMA}),
    ],
)
def test_the_setting_replaces_the_default(
    monkeypatch: pytest.MonkeyPatch, text: str, tolerances: frozenset[Tolerance]
) -> None:
    assert Settings.load().tolerate == DEFAULT
    monkeypatch.setenv("AUDIT_SERVICE_TOLERATE", text)
    assert Settings.load().tolerate == tolerances


@pytest.mark.parametrize("text", ["", "everything", "none,dataschema", "dataschema,"])
def test_a_name_that_is_none_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AUDIT_SERVICE_TOLERATE", text)
    with pytest.raises(SettingsError, match=r"AUDIT_SERVICE_TOLERATE: .*raw-header-values"):
        Settings.load()
