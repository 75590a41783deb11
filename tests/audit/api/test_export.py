"""Export: every format, the round trip, and what ends one."""

import csv
import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from audit_service.api import export_formats
from audit_service.events import Event, JsonText
from audit_service.log import Backend, LogUnavailable
from audit_service.log.sqlite import SqliteLog
from audit_service.search import All, Search
from audit_service.search.walk import part
from service_kit.http.disconnection import SOCKET
from tests.support.audit_client import PROBLEM, Sink, open_sink
from tests.support.log_databases import commit
from tests.support.log_processes import event
from tests.support.random_events import random_event


def exported(sink: Sink, asked: str = "") -> bytes:
    answer = sink.client.get(f"/v1/export?{asked}")
    assert answer.status_code == 200, answer.text
    data: bytes = answer.data
    return data


ODD: list[dict[str, Any]] = [
    {"data": b"\xff\x00\x10", "datacontenttype": "application/octet-stream"},
    {"data": "Zoë\nü".encode(), "datacontenttype": "text/plain;charset=utf-8"},
    {"extra": 7, "flag": True},
    {"data": JsonText(b'{\n  "a" : 1.0,\r\n "b":[1e5, "\\u0041"]}')},
    {
        "data": b"<a/>",
        "datacontenttype": "application/xml",
        "time": "2026-01-01T00:00:00.120+01:00",
    },
    {"data": JsonText(b'"text"'), "subject": "ü", "dataschema": "urn:x"},
]


def odd_event(number: int, choose: random.Random) -> Event:
    """An event of one kind or another."""
    if number % 7 == len(ODD):
        return random_event(choose)
    attributes: dict[str, Any] = dict(ODD[number % 7])
    return event(f"n{number}", attributes.pop("data", None), **attributes)


class TestNdjson:
    def test_each_line_is_an_event_in_the_order_of_arrival(self, sink: Sink) -> None:
        sink.batch([{"id": f"{n}", "type": f"t{n % 2}"} for n in range(10)])
        lines = [json.loads(line) for line in exported(sink).splitlines()]
        assert lines == sink.stored()
        matching = [json.loads(line)["id"] for line in exported(sink, "type=t1").splitlines()]
        assert matching == ["1", "3", "5", "7", "9"]

    def test_an_empty_log_is_an_empty_file(self, sink: Sink) -> None:
        assert exported(sink) == b""

    def test_into_an_empty_log_and_out_again_are_the_same_bytes(
        self, sink: Sink, backend: Backend, tmp_path: Path
    ) -> None:
        choose = random.Random(3)
        commit(backend, *(odd_event(n, choose) for n in range(300)))
        write = export_formats.ndjson().write
        written = part(Search(backend), All(), 0, backend.last(), write).written
        lines = written.splitlines()
        assert len(lines) > 200
        assert sink.batch("[" + b",".join(lines).decode() + "]").status_code == 204
        assert exported(sink) == written


class TestRecords:
    def test_a_record_has_what_is_beside_the_event(self, sink: Sink) -> None:
        sink.structured({"id": "1"})
        sink.structured({"id": "1", "type": "other"})
        lines = [json.loads(line) for line in exported(sink, "format=records").splitlines()]
        # Of each leaf its own, which nobody needs who only reads.
        salts = [line.pop("salts") for line in lines]
        assert len({each[name] for each in salts for name in ("attributes", "data")}) == 2 * len(
            lines
        )
        assert lines == sink.shown()
        assert lines[1]["conflicts_with"] == 1


class TestCsv:
    def rows(self, data: bytes) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(data.decode(), newline="")))

    def test_a_row_has_attributes_extensions_and_data(self, sink: Sink) -> None:
        sink.structured({"id": "1", "one": "x", "data": {"a": [1, "ü"]}})
        sink.binary({"id": "2"}, b"\xff\x00", "application/octet-stream")
        sink.binary({"id": "3"}, "line\nZoë".encode(), "text/plain")
        first, second, third = self.rows(exported(sink, "format=csv"))
        assert (first["one"], json.loads(first["data"])) == ("x", {"a": [1, "ü"]})
        assert (second["one"], second["data"]) == ("", "/wA=")
        assert third["data"] == "line\nZoë"

    @pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
    def test_a_cell_is_no_formula(self, sink: Sink, begin: str) -> None:
        sink.binary({"id": "1"}, f"{begin}1+1".encode(), "text/plain")
        sink.binary({"id": "2"}, f"1{begin}".encode(), "text/plain")
        first, second = self.rows(exported(sink, "format=csv"))
        assert (first["data"], second["data"]) == (f"'{begin}1+1", f"1{begin}")

    def test_extensions_past_the_columns_are_in_a_cell_of_their_own(self, sink: Sink) -> None:
        many = {f"e{n:03}": f"{n}" for n in range(101)}
        sink.structured({"id": "1", **many})
        (row,) = self.rows(exported(sink, "format=csv"))
        assert row["e099"] == "99"
        assert "e100" not in row
        assert json.loads(row["extensions"]) == {"e100": "100"}


def test_it_is_compressed_where_that_is_accepted(sink: Sink) -> None:
    sink.batch([{"id": f"{n}"} for n in range(50)])
    answer = sink.client.get("/v1/export", headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == exported(sink)
    plain = sink.client.get("/v1/export", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize(
    ("asked", "suffix"),
    [("", "ndjson"), ("format=csv", "csv"), ("format=records", "records.ndjson")],
)
def test_the_name_says_what_and_when(sink: Sink, asked: str, suffix: str) -> None:
    disposition = sink.client.get(f"/v1/export?{asked}").headers["Content-Disposition"]
    begin, end = 'attachment; filename="events-20', f'Z.{suffix}"'
    assert disposition.startswith(begin)
    assert disposition.endswith(end)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [("format=xml", "/format"), ("format=csv&format=csv", "/format"), ("limit=1", "/limit")],
)
def test_422_names_a_parameter_that_cannot_be(sink: Sink, asked: str, pointer: str) -> None:
    answer = sink.client.get(f"/v1/export?{asked}")
    assert (answer.status_code, answer.content_type) == (422, PROBLEM)
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_what_arrives_after_its_start_is_not_in_it(sink: Sink) -> None:
    sink.batch([{"id": f"{n}", "data": "x" * 3000} for n in range(900)])
    answer = sink.client.get("/v1/export", buffered=False)
    chunks = answer.iter_encoded()
    first = next(chunks)
    sink.structured({"id": "later"})
    rest = b"".join(chunks)
    assert len((first + rest).splitlines()) == 900


class Gone:
    """The socket of a client, which is gone once it was asked so often."""

    def __init__(self, after: int) -> None:
        self._left = after

    def is_gone(self) -> bool:
        self._left -= 1
        return self._left < 0


def test_a_client_that_is_gone_ends_it(sink: Sink) -> None:
    sink.batch([{"id": f"{n}", "data": "x" * 3000} for n in range(900)])
    answer = sink.client.get("/v1/export", environ_overrides={SOCKET: Gone(1)}, buffered=False)
    with pytest.raises(ConnectionAbortedError):
        list(answer.iter_encoded())


def test_a_service_that_drains_breaks_it_off(tmp_path: Path) -> None:
    with open_sink(tmp_path) as sink:
        sink.batch([{"id": f"{n}", "data": "x" * 3000} for n in range(900)])
        sink.app.is_draining = True  # type: ignore[attr-defined]
        answer = sink.client.get("/v1/export", buffered=False)
        with pytest.raises(ConnectionAbortedError):
            list(answer.iter_encoded())


def test_a_log_that_is_away_is_503_and_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_sink(tmp_path) as sink:
        sink.binary()

        def away(*_: object) -> None:
            raise LogUnavailable("away")

        monkeypatch.setattr(SqliteLog, "oldest", away)
        answer = sink.client.get("/v1/export")
        assert (answer.status_code, answer.content_type) == (503, PROBLEM)
