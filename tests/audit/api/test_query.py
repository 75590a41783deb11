"""Query, `GET /v1/events`: pages, cursors, single events, and their OpenAPI document."""

import base64
import re
import tracemalloc
from typing import Any

import pytest

from audit_service.events import JsonText, to_json
from audit_service.log import Backend
from audit_service.search.paging import ENVELOPE_BYTES
from tests.support.audit_client import PROBLEM, REQUIRED, Sink
from tests.support.log_databases import commit
from tests.support.log_processes import event
from tests.support.search_app import reading_sink

# Of the document itself, and of pages that no program asks for.
FOR_PEOPLE = {"openapi", "api_docs", "api_docs_assets", "page", "page_assets", "rejected_page"}
"""Blueprints of what a browser shows, the document itself among it; all others are the API."""


def get(sink: Sink, path: str) -> Any:
    answer = sink.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    return answer.json


def pages(sink: Sink, limit: int) -> list[list[int]]:
    """The positions of each page, by following `next` from the first to the last."""
    found = (answer.get_json() for answer in sink.pages(f"limit={limit}"))
    return [[item["position"] for item in page["items"]] for page in found]


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class TestPaging:
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1000])
    def test_following_next_gives_each_event_once_newest_first(
        self, sink: Sink, limit: int
    ) -> None:
        sink.batch([{"id": str(n)} for n in range(7)])
        found = pages(sink, limit)
        assert [position for page in found for position in page] == [7, 6, 5, 4, 3, 2, 1]
        assert all(0 < len(page) <= limit for page in found)

    def test_events_that_arrive_meanwhile_move_no_page(self, sink: Sink) -> None:
        sink.batch([{"id": str(n)} for n in range(4)])
        first = get(sink, "/v1/events?limit=2")
        sink.batch([{"id": f"later{n}"} for n in range(3)])
        second = get(sink, f"/v1/events?limit=2&cursor={first['next']}")
        assert [item["position"] for item in second["items"]] == [2, 1]

    def test_an_empty_log_is_an_empty_page(self, sink: Sink) -> None:
        assert get(sink, "/v1/events") == {"items": [], "next": None, "scanned_to": 0}

    def test_100_events_are_a_page_unless_asked_otherwise(self, sink: Sink) -> None:
        sink.batch([{"id": str(n)} for n in range(101)])
        assert len(get(sink, "/v1/events")["items"]) == 100

    def test_a_page_too_large_for_memory_ends_early_and_goes_on(self, backend: Backend) -> None:
        data = JsonText(b'"xxxxxxxxxx"')
        commit(backend, *(event(str(n), data) for n in range(7)))
        three = 3 * (len(to_json(event("0", data))) + ENVELOPE_BYTES)
        assert pages(reading_sink(backend, page_bytes=three), 5) == [[7, 6, 5], [4, 3, 2], [1]]
        assert pages(reading_sink(backend, page_bytes=three - 1), 5) == [
            [7, 6],
            [5, 4],
            [3, 2],
            [1],
        ]

    def test_attributes_count_in_the_size_of_a_page(self, backend: Backend) -> None:
        commit(backend, *(event(str(n), subject="x" * 900) for n in range(3)))
        assert pages(reading_sink(backend, page_bytes=3000 + ENVELOPE_BYTES), 5) == [[3, 2], [1]]

    @pytest.mark.parametrize("character", ["\x01", '"', "x", "\U0001f63c"])
    def test_a_page_has_at_most_its_bytes_as_they_are_written(
        self, backend: Backend, character: str
    ) -> None:
        text = (character * 1000).encode()
        commit(backend, *(event(str(n), text, datacontenttype="text/plain") for n in range(30)))
        sink = reading_sink(backend, page_bytes=50_000)
        answer = sink.client.get("/v1/events?limit=30")
        assert 25_000 < len(answer.data) <= 50_000
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert sum(map(len, pages(sink, 30))) == 30

    def test_a_page_that_waits_to_be_read_takes_little_more_than_its_bytes(
        self, sink: Sink
    ) -> None:
        sink.batch([{"id": str(n)} for n in range(1000)])
        get(sink, "/v1/events?limit=1000")
        tracemalloc.start()
        try:
            answer = sink.client.get("/v1/events?limit=1000", buffered=False)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 2 * int(answer.headers["Content-Length"])
        answer.close()


class TestParameters:
    @pytest.mark.parametrize(
        ("asked", "pointer"),
        [
            ("limit=0", "/limit"),
            ("limit=-1", "/limit"),
            ("limit=1001", "/limit"),
            ("limit=x", "/limit"),
            ("limit=1.5", "/limit"),
            ("limit=", "/limit"),
            ("cursor=", "/cursor"),
            ("cursor=1", "/cursor"),
            ("cursor=%FF", "/cursor"),
            ("cursor=é", "/cursor"),
            ("cursor=!!!!", "/cursor"),
            (f"cursor={cursor_of('before:0')}", "/cursor"),
            (f"cursor={cursor_of('before:-1')}", "/cursor"),
            (f"cursor={cursor_of('before:٣')}", "/cursor"),
            (f"cursor={cursor_of('after:1')}", "/cursor"),
            (f"order=asc&cursor={cursor_of('before:1')}", "/cursor"),
            (f"cursor={cursor_of('before:1 ' + 'a' * 32 + ' - -')}", "/cursor"),
            (f"cursor={cursor_of(f'before:{2**63}')}", "/cursor"),
            (f"cursor={cursor_of('before:1' + '0' * 5000)}", "/cursor"),
            ("offset=1", "/offset"),
        ],
    )
    def test_422_points_at_what_is_wrong(self, sink: Sink, asked: str, pointer: str) -> None:
        answer = sink.client.get(f"/v1/events?{asked}")
        assert answer.status_code == 422
        assert answer.content_type == PROBLEM
        document = answer.get_json(force=True)
        assert [error["pointer"] for error in document["errors"]] == [pointer]
        assert all(error["detail"] for error in document["errors"])

    def test_422_lists_everything_that_is_wrong(self, sink: Sink) -> None:
        document = sink.client.get("/v1/events?limit=0&cursor=x").get_json(force=True)
        assert {error["pointer"] for error in document["errors"]} == {"/limit", "/cursor"}

    @pytest.mark.parametrize("query", ["limit=1_0", "limit=5.0", "limit=%205", "limit=5&limit=5"])
    def test_a_limit_is_a_number_in_digits_given_once(self, sink: Sink, query: str) -> None:
        answer = sink.client.get(f"/v1/events?{query}")
        assert (answer.status_code, answer.content_type) == (422, PROBLEM)
        assert answer.get_json()["errors"][0]["pointer"] == "/limit"


class TestSingleEvents:
    def test_an_event_is_found_by_its_position(self, sink: Sink) -> None:
        sink.batch([{"id": str(n), "data": n} for n in range(3)])
        for item in get(sink, "/v1/events")["items"]:
            assert get(sink, f"/v1/events/{item['position']}") == item

    def test_an_event_is_shown_with_its_position_time_conflict_and_origin(self, sink: Sink) -> None:
        sink.structured({"data": 1})
        sink.structured({"data": 2})
        shown = get(sink, "/v1/events/2")
        assert re.fullmatch(
            r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", shown.pop("received_at"), re.ASCII
        )
        event = {**REQUIRED, "data": 2}
        assert shown == {
            "position": 2,
            "conflicts_with": 1,
            "event": event,
            "tolerated": [],
            "sender": None,
            "kafka": None,
        }

    @pytest.mark.parametrize("position", ["0", "2", "-1", "x", "1.0", str(2**63 - 1), "9" * 400])
    def test_404_where_there_is_none(self, sink: Sink, position: str) -> None:
        sink.binary()
        answer = sink.client.get(f"/v1/events/{position}")
        assert (answer.status_code, answer.content_type) == (404, PROBLEM)


class TestOpenApi:
    def test_the_document_is_of_version_3_1(self, sink: Sink) -> None:
        assert get(sink, "/openapi.json")["openapi"].startswith("3.1.")

    def test_the_document_lists_every_route_with_its_methods(self, sink: Sink) -> None:
        document = get(sink, "/openapi.json")
        listed = {
            (path, method)
            for path, operations in document["paths"].items()
            for method in operations
        }
        routes = {
            (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
            for rule in sink.app.url_map.iter_rules()
            for method in rule.methods or set()
            if method not in {"HEAD", "OPTIONS"} and rule.endpoint.split(".")[0] not in FOR_PEOPLE
        }
        assert listed == routes
        assert {("/", "post"), ("/v1/events", "get"), ("/v1/events/{position}", "get")} <= listed

    @pytest.mark.parametrize(
        ("path", "method", "statuses"),
        [
            ("/", "post", {"204", "400", "413", "415", "503"}),
            ("/v1/events", "get", {"200", "422", "503"}),
            ("/v1/events/{position}", "get", {"200", "404", "503"}),
        ],
    )
    def test_the_document_describes_every_response(
        self, sink: Sink, path: str, method: str, statuses: set[str]
    ) -> None:
        responses = get(sink, "/openapi.json")["paths"][path][method]["responses"]
        assert set(responses) == statuses
        assert all(response["description"] for response in responses.values())
