"""Waiting for events, counting them, and the `Link` to the next page."""

import threading
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from audit_service.api import events_query
from tests.support.audit_client import PROBLEM, Sink


def get(sink: Sink, asked: str) -> Any:
    answer = sink.client.get(f"/v1/events?{asked}")
    assert answer.status_code == 200, answer.text
    return answer.json


def ids(page: Any) -> list[str]:
    return [item["event"]["id"] for item in page["items"]]


class TestWait:
    def test_a_poller_misses_no_event_and_sees_none_twice(self, sink: Sink) -> None:
        wanted = [f"{n}" for n in range(40) if n % 2]

        def send() -> None:
            for n in range(40):
                sink.binary({"id": f"{n}", "type": f"t{n % 2}"})

        sender = threading.Thread(target=send)
        sender.start()
        found: list[str] = []
        cursor = ""
        deadline = time.monotonic() + 30
        while len(found) < len(wanted) and time.monotonic() < deadline:
            page = get(sink, f"order=asc&type=t1&limit=3&wait=5{cursor}")
            found += ids(page)
            cursor = f"&cursor={page['next']}"
        sender.join()
        assert found == wanted

    def test_what_is_there_is_answered_at_once(self, sink: Sink) -> None:
        sink.binary({"id": "1"})
        began = time.monotonic()
        page = get(sink, "order=asc&wait=30")
        assert time.monotonic() - began < 10
        assert (ids(page), page["next"] is None) == (["1"], False)

    def test_an_event_that_does_not_match_is_waited_beyond(self, sink: Sink) -> None:
        page = get(sink, "order=asc&type=other&wait=1")
        sink.binary({"id": "1"})
        began = time.monotonic()
        page = get(sink, f"order=asc&type=other&wait=1&cursor={page['next']}")
        assert time.monotonic() - began >= 1
        assert (page["items"], page["scanned_to"]) == ([], 1)
        assert ids(get(sink, f"order=asc&type=other&wait=1&cursor={page['next']}")) == []

    def test_the_log_may_be_empty(self, sink: Sink) -> None:
        page = get(sink, "order=asc&wait=1")
        sink.binary({"id": "1"})
        assert ids(get(sink, f"order=asc&wait=1&cursor={page['next']}")) == ["1"]

    @pytest.mark.parametrize(
        "asked", ["wait=1", "order=desc&wait=1", "order=asc&wait=31", "order=asc&wait=x"]
    )
    def test_only_so_long_and_only_where_order_rises(self, sink: Sink, asked: str) -> None:
        answer = sink.client.get(f"/v1/events?{asked}")
        assert (answer.status_code, answer.content_type) == (422, PROBLEM)
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/wait"]

    def test_a_service_that_drains_holds_no_request(self, sink: Sink) -> None:
        sink.app.is_draining = True  # type: ignore[attr-defined]
        began = time.monotonic()
        get(sink, f"order=asc&wait={events_query.MAX_WAIT}")
        assert time.monotonic() - began < events_query.MAX_WAIT / 2


def test_a_count_is_of_all_that_match_whatever_the_page(sink: Sink) -> None:
    sink.batch([{"id": f"{n}", "type": f"t{n % 3}"} for n in range(10)])
    page = get(sink, "type=t1&limit=1&count=true")
    assert page["count"] == {"matches": 3, "complete": True}
    rest = get(sink, f"type=t1&limit=1&count=true&cursor={page['next']}")
    assert rest["count"] == {"matches": 3, "complete": True}
    assert "count" not in get(sink, "type=t1&count=false")
    assert sink.client.get("/v1/events?count=1").status_code == 422


def test_link_leads_to_the_next_page(sink: Sink) -> None:
    sink.batch([{"id": f"{n}", "type": "é*"} for n in range(3)])
    answer = sink.client.get("/v1/events?type=%C3%A9%5C*&type=x&limit=2")
    link = answer.headers["Link"]
    target, _, rel = link.partition(">; ")
    assert rel == 'rel="next"'
    target = target.removeprefix("<")
    assert ("type", "é\\*") in parse_qsl(urlsplit(target).query)
    following = sink.client.get(target)
    assert ids(following.json) == ["0"]
    assert "Link" not in following.headers
