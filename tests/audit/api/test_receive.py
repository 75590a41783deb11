"""Receiver, `POST /`: responses, log lines, limits, and errors that show no internals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from audit_service.events.content_mode import BATCH, STRUCTURED
from audit_service.log import LogUnavailable
from tests.support.audit_client import PROBLEM, REQUIRED, Sink, failing_sink, open_sink

KIB = 1024
LIMITS = {"max_event_bytes": 64 * KIB, "max_batch_bytes": 128 * KIB}


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The members of the problem document that the answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == PROBLEM
    document: dict[str, Any] = json.loads(answer.data)
    assert document["status"] == status
    assert document["title"]
    return document


def events_logged(lines: list[Any], prefix: str) -> list[Any]:
    return [line for line in lines if line["event"].startswith(prefix)]


class TestAcknowledging:
    def test_204_has_no_body_and_no_content_type(self, sink: Sink) -> None:
        answer = sink.binary(body=b"{}", content_type="application/json")
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers

    def test_an_event_sent_twice_is_stored_once_and_acknowledged_twice(self, sink: Sink) -> None:
        assert sink.structured({"data": 1}).status_code == 204
        assert sink.structured({"data": 1}).status_code == 204
        assert len(sink.stored()) == 1

    def test_a_conflicting_event_is_kept_and_acknowledged(self, sink: Sink) -> None:
        for data in (1, 2):
            assert sink.structured({"data": data}).status_code == 204
        assert [shown["conflicts_with"] for shown in sink.shown()] == [None, 1]

    def test_an_empty_batch_is_acknowledged(self, sink: Sink) -> None:
        answer = sink.batch([])
        assert (answer.status_code, sink.stored()) == (204, [])

    def test_a_batch_is_stored_in_its_order(self, sink: Sink) -> None:
        assert sink.batch([{"id": str(n)} for n in range(20)]).status_code == 204
        assert [event["id"] for event in sink.stored()] == [str(n) for n in range(20)]


class TestLogLines:
    def test_a_stored_event_has_one_line(self, sink: Sink) -> None:
        with capture_logs() as lines:
            sink.binary({"id": "a%20b", "source": "/s", "type": "com.example.t"})
        (line,) = events_logged(lines, "Found")
        assert line["event"] == "Found a b from /s with type com.example.t and specversion 1.0"
        assert (line["log_level"], line["position"]) == ("info", 1)

    def test_a_line_has_beside_its_text_what_an_id_with_spaces_could_forge(
        self, sink: Sink
    ) -> None:
        with capture_logs() as lines:
            sink.binary({"id": "a%20from%20/other", "source": "/s", "type": "t", "subject": "me"})
        (line,) = events_logged(lines, "Found")
        assert line["event"] == "Found a from /other from /s with type t and specversion 1.0"
        fields = [line[name] for name in ("id", "source", "type", "subject")]
        assert fields == ["a from /other", "/s", "t", "me"]

    def test_each_event_of_a_batch_has_its_line(self, sink: Sink) -> None:
        with capture_logs() as lines:
            sink.batch([{"id": "a"}, {"id": "b"}, {"id": "a"}])
        found = events_logged(lines, "Found")
        assert [(line["event"].split()[1], line["position"]) for line in found] == [
            ("a", 1),
            ("b", 2),
        ]

    def test_a_duplicate_has_no_line(self, sink: Sink) -> None:
        sink.binary()
        with capture_logs() as lines:
            sink.binary()
        assert events_logged(lines, "Found") == []

    def test_a_conflict_has_a_warning(self, sink: Sink) -> None:
        sink.structured({"data": 1})
        with capture_logs() as lines:
            sink.structured({"data": 2})
        (warning,) = [line for line in lines if line["log_level"] == "warning"]
        assert (warning["position"], warning["conflicts_with"]) == (2, 1)
        assert len(events_logged(lines, "Found")) == 1

    def test_a_rejected_event_has_no_found_line(self, sink: Sink) -> None:
        with capture_logs() as lines:
            sink.batch([{}, {"id": ""}])
        assert events_logged(lines, "Found") == []


class TestRejecting:
    def test_400_names_the_attribute_and_the_rule(self, sink: Sink) -> None:
        document = problem(sink.structured({"time": "yesterday"}), 400)
        assert document["attribute"] == "time"
        assert "RFC 3339" in document["rule"]
        assert document["detail"] == f"time: {document['rule']}"

    def test_400_mentions_structured_mode_where_there_is_no_ce_header(self, sink: Sink) -> None:
        assert STRUCTURED in problem(sink.post(b"{}", "application/json"), 400)["rule"]

    def test_a_batch_is_all_or_nothing_and_every_bad_item_is_listed(self, sink: Sink) -> None:
        items: list[dict[str, Any]] = [{}, {"id": ""}, {"id": "ok"}, {"time": "x"}, {"Bad": 1}]
        document = problem(sink.batch(items), 400)
        found = [(error["index"], error["attribute"]) for error in document["errors"]]
        assert found == [(1, "id"), (3, "time"), (4, "Bad")]
        assert all(error["rule"] for error in document["errors"])
        assert sink.stored() == []

    @pytest.mark.parametrize("text", ["{}", "[", "nonsense", "[{},"])
    def test_a_batch_that_is_no_array_is_rejected_as_a_whole(self, sink: Sink, text: str) -> None:
        assert "errors" not in problem(sink.batch(text), 400)

    def test_what_was_sent_is_not_echoed_into_headers(self, sink: Sink) -> None:
        answer = sink.binary({"my-secret-ext": "injected"})
        assert problem(answer, 400)
        assert "secret" not in str(answer.headers)
        assert "injected" not in answer.text

    @pytest.mark.parametrize(
        ("content_type", "headers"),
        [
            ("application/cloudevents+avro", {}),
            ("application/cloudevents", {}),
            (f"{STRUCTURED}; charset=latin1", {}),
            (f"{BATCH}; charset=utf-16", {}),
            (STRUCTURED, {"Content-Encoding": "gzip"}),
            ("application/json", {"Content-Encoding": "br", "ce-id": "1"}),
        ],
    )
    def test_415_what_is_in_no_form_that_is_read(
        self, sink: Sink, content_type: str, headers: dict[str, str]
    ) -> None:
        problem(sink.structured({}, content_type, headers), 415)
        assert sink.stored() == []

    def test_content_encoding_identity_is_none(self, sink: Sink) -> None:
        assert sink.structured({}, headers={"Content-Encoding": "Identity"}).status_code == 204


class TestLimits:
    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[Sink]:
        with open_sink(tmp_path, **LIMITS) as opened:
            yield opened

    @pytest.mark.parametrize(("over", "status"), [(0, 204), (1, 413)])
    def test_a_single_event_may_be_as_long_as_its_limit(
        self, sink: Sink, over: int, status: int
    ) -> None:
        answer = sink.binary(body=b"x" * (64 * KIB + over), content_type="text/plain")
        assert answer.status_code == status
        structured = sink.structured(padded(json.dumps({**REQUIRED, "id": "2"}), 64 * KIB + over))
        assert structured.status_code == status
        assert len(sink.stored()) == (0 if over else 2)

    @pytest.mark.parametrize(("over", "status"), [(0, 204), (1, 413)])
    def test_a_batch_may_be_as_long_as_its_limit(self, sink: Sink, over: int, status: int) -> None:
        answer = sink.batch(padded(f"[{json.dumps(dict(REQUIRED))}]", 128 * KIB + over))
        assert answer.status_code == status
        assert len(sink.stored()) == (0 if over else 1)

    def test_413_says_the_limit(self, sink: Sink) -> None:
        document = problem(sink.binary(body=b"x" * (65 * KIB)), 413)
        assert document["limit"] == 64 * KIB


def padded(text: str, length: int) -> str:
    return text + " " * (length - len(text))


class TestFaults:
    def requests(self, sink: Sink) -> list[TestResponse]:
        return [
            sink.binary(),
            sink.structured({}),
            sink.batch([{}]),
            sink.client.get("/v1/events"),
            sink.client.get("/v1/events/1"),
        ]

    def test_503_with_retry_after_where_the_log_is_unavailable(self) -> None:
        sink = failing_sink(LogUnavailable("BusyError: /secret/path"))
        for answer in self.requests(sink):
            problem(answer, 503)
            assert int(answer.headers["Retry-After"]) > 0
            assert "secret" not in answer.text

    def test_500_shows_nothing_of_the_fault_and_the_log_does(self) -> None:
        sink = failing_sink(ZeroDivisionError("secret"))
        with capture_logs() as lines:
            for answer in self.requests(sink):
                problem(answer, 500)
                assert "secret" not in answer.text
                assert "Traceback" not in answer.text
        faults = [line["exc_info"] for line in lines if line["log_level"] == "error"]
        assert [str(fault.__cause__ or fault) for fault in faults] == ["secret"] * 5

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nowhere", 404),
            ("POST", "/nowhere", 404),
            ("PUT", "/", 405),
            ("POST", "/v1/events", 405),
            ("DELETE", "/v1/events/1", 405),
        ],
    )
    def test_404_and_405_are_problems_too(
        self, sink: Sink, method: str, path: str, status: int
    ) -> None:
        answer = sink.client.open(path, method=method)
        problem(answer, status)
        assert ("Allow" in answer.headers) == (status == 405)
