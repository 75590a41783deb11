"""Search over HTTP: periods, cursors that are bound to their filters, budgets, and refusals."""

from typing import Any
from urllib.parse import quote

import pytest

from audit_service.events import JsonText
from audit_service.log import Backend, Record
from audit_service.search import All, Budget, Order, Search, read_filters
from tests.support.audit_client import PROBLEM, Sink
from tests.support.log_databases import commit
from tests.support.log_processes import event


def get(sink: Sink, asked: str) -> Any:
    answer = sink.client.get(f"/v1/events?{asked}")
    assert answer.status_code == 200, answer.text
    return answer.json


def all_ids(sink: Sink, asked: str) -> list[str]:
    return [found for answer in sink.pages(asked) for found in ids(answer.json)]


def ids(page: Any) -> list[str]:
    return [item["event"]["id"] for item in page["items"]]


class TestPeriods:
    TIMES = (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T01:00:00.10000000001+01:00",
        "2026-01-01T00:00:01Z",
    )

    @pytest.fixture(autouse=True)
    def _events(self, sink: Sink) -> None:
        sink.batch([{"id": f"{n}", "time": time} for n, time in enumerate(self.TIMES)])
        sink.binary({"id": "none"})

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("since=2026-01-01T00:00:00Z", "3210"),
            ("since=2026-01-01T00:00:00.1Z", "321"),
            ("until=2026-01-01T00:00:00.1Z", "0"),
            ("since=2026-01-01T00:00:00.1Z&until=2026-01-01T00:00:00.10000000001Z", "1"),
            ("since=2026-01-01T01:00:00.1%2B01:00&until=2026-01-01T00:00:01Z", "21"),
            ("since=2027-01-01T00:00:00Z", ""),
        ],
    )
    def test_by_time_is_the_instant_of_the_event_half_open(
        self, sink: Sink, asked: str, found: str
    ) -> None:
        assert "".join(all_ids(sink, f"by=time&{asked}")) == found

    def test_by_default_it_is_that_of_arrival(self, sink: Sink) -> None:
        assert len(all_ids(sink, "since=-1h")) == 5
        assert all_ids(sink, "until=-1h") == []
        (newest,) = get(sink, "limit=1")["items"]
        at = newest["received_at"]
        assert all_ids(sink, f"until={at}") == list("3210")
        assert all_ids(sink, f"since={at}") == ["none"]

    def test_a_relative_time_stays_what_it_was_on_the_first_page(self, sink: Sink) -> None:
        first = get(sink, "until=-0s&limit=2")
        sink.binary({"id": "later"})
        rest = get(sink, f"until=-0s&cursor={first['next']}")
        assert ids(first) + ids(rest) == ["none", *"3210"]


class TestCursors:
    @pytest.fixture(autouse=True)
    def _events(self, sink: Sink) -> None:
        sink.batch([{"id": f"{n}", "type": f"t{n % 2}"} for n in range(8)])

    def test_a_cursor_goes_on_with_the_same_filters_in_any_order(self, sink: Sink) -> None:
        first = get(sink, "type=t1&id=!1&limit=1")
        rest = get(sink, f"cursor={first['next']}&id=!1&type=t1")
        assert ids(first) + ids(rest) == ["7", "5", "3"]

    @pytest.mark.parametrize("asked", ["", "type=t0", "type=t1&id=!1", "type=t1&order=asc"])
    def test_a_cursor_of_other_filters_is_422(self, sink: Sink, asked: str) -> None:
        cursor = get(sink, "type=t1&limit=1")["next"]
        answer = sink.client.get(f"/v1/events?{asked}&cursor={cursor}")
        assert (answer.status_code, answer.content_type) == (422, PROBLEM)
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/cursor"]

    def test_events_that_arrive_meanwhile_come_once_where_the_order_rises(self, sink: Sink) -> None:
        first = get(sink, "order=asc&type=t1&limit=3")
        sink.structured({"id": "9", "type": "t1"})
        rest = get(sink, f"order=asc&type=t1&cursor={first['next']}")
        assert ids(first) + ids(rest) == ["1", "3", "5", "7", "9"]


@pytest.mark.parametrize(
    ("asked", "pointers"),
    [
        ("colour=red", {"/colour"}),
        ("type=", {"/type"}),
        ("type=a%5C", {"/type"}),
        ("ext.=x", {"/ext."}),
        ("ext.$.user=x", {"/ext.$.user"}),
        ("ext.a%3Db=!c", {"/ext.a=b"}),
        ("ext.a%00=c", {"/ext.a\x00"}),
        ("data.=x", {"/data."}),
        ("data.a%5B0%5D=x", {"/data.a[0]"}),
        ("since=yesterday", {"/since"}),
        ("since=-5y&until=2026-02-30T00:00:00Z", {"/since", "/until"}),
        ("since=-999999d", {"/since"}),
        ("by=clock", {"/by"}),
        ("by=time&by=time", {"/by"}),
        ("q=a&q=b", {"/q"}),
        ("q=%21%3F", {"/q"}),
        ("conflicts=yes", {"/conflicts"}),
        ("transport=amqp", {"/transport"}),
        ("tolerated=all", {"/tolerated"}),
        ("filter=%7B", {"/filter"}),
        ("order=up&limit=x", {"/order", "/limit"}),
        ("&".join(["type=a"] * 101), {"/type"}),
    ],
)
def test_422_names_each_parameter_that_cannot_be(
    sink: Sink, asked: str, pointers: set[str]
) -> None:
    answer = sink.client.get(f"/v1/events?{asked}")
    assert (answer.status_code, answer.content_type) == (422, PROBLEM)
    errors = answer.get_json()["errors"]
    assert {error["pointer"] for error in errors} == pointers
    assert all(error["detail"] for error in errors)


def test_words_are_of_attributes_and_data_whatever_their_case(sink: Sink) -> None:
    sink.structured({"id": "json", "data": {"name": ["GRÜẞE an alle"]}})
    sink.binary({"id": "text"}, "Grüsse, alle!".encode(), "text/plain")
    sink.binary({"id": "bytes"}, "grüsse alle".encode(), "application/octet-stream")
    assert ids(get(sink, f"q={quote('alle grüsse')}")) == ["text", "json"]
    assert ids(get(sink, "q=JSON")) == ["json"]
    assert ids(get(sink, "q=name")) == []


@pytest.mark.parametrize("order", list(Order))
def test_a_scan_ends_with_its_budget_and_says_how_far_it_came(
    backend: Backend, order: Order
) -> None:
    commit(backend, *(event(f"{n}", type="rare" if n == 1200 else "t") for n in range(2400)))
    expression, _ = read_filters([("type", "rare")], 0)
    search, start, records, steps = Search(backend), None, list[Record](), 0
    while True:
        found = search.find(expression, order, start, limit=10, budget=Budget(records=1000))
        records += found.records
        steps += 1
        if not found.more:
            break
        start = found.scanned_to
    assert [record.event.id for record in records] == ["1200"]
    assert steps == 3


def test_a_scan_ends_with_its_time_but_not_before_it_has_looked_at_one(
    backend: Backend,
) -> None:
    commit(backend, *(event(f"{n}") for n in range(20)))
    budget = Budget(seconds=0)
    found = Search(backend).find(
        read_filters([("id", "x")], 0)[0], Order.ASCENDING, None, limit=5, budget=budget
    )
    assert (found.records, found.scanned_to, found.more) == ((), 1, True)


@pytest.mark.parametrize("order", list(Order))
def test_a_page_of_a_scan_keeps_its_bytes(backend: Backend, order: Order) -> None:
    commit(backend, *(event(f"{n}", JsonText(b'"%b"' % (b"x" * 1000))) for n in range(10)))
    found = Search(backend).find(All(()), order, None, limit=10, budget=Budget(page_bytes=5000))
    assert (len(found.records), found.more) == (3, True)
    again = Search(backend).find(
        All(()), order, found.scanned_to, limit=10, budget=Budget(page_bytes=100)
    )
    assert (len(again.records), again.more) == (1, True)
