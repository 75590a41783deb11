"""Rejected messages over HTTP: listed, shown, redriven, dropped."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.audit_client import PROBLEM, Sink, open_sink
from tests.support.waiting import wait_until


def get(sink: Sink, path: str) -> Any:
    answer = sink.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.fixture
def refused(sink: Sink) -> Sink:
    """A sink that has refused two messages: a capital in a name, and no id."""
    assert sink.binary({}, b"\xff{", "text/plain", {"ce-Big_name": "x"}).status_code == 400
    wait_until(lambda: len(get(sink, "/v1/rejected")["items"]) == 1)
    assert sink.structured({"id": ""}).status_code == 400
    wait_until(lambda: len(get(sink, "/v1/rejected")["items"]) == 2)
    return sink


def test_they_are_listed_the_newest_first_and_page_by_page(refused: Sink) -> None:
    page = get(refused, "/v1/rejected?limit=1")
    rest = get(refused, f"/v1/rejected?limit=1&cursor={page['next']}")
    found = page["items"] + rest["items"]
    assert [each["id"] for each in found] == [2, 1]
    assert rest["next"] is None
    assert all(each["reason"] and each["bytes"] > 0 and each["kafka"] is None for each in found)


def test_one_is_shown_whole(refused: Sink) -> None:
    shown = get(refused, "/v1/rejected/1")
    assert shown["value"] == {"base64": "/3s="}
    assert {"name": "content-type", "value": "text/plain"} in shown["headers"]
    assert shown["reason"] == get(refused, "/v1/rejected")["items"][1]["reason"]


def test_one_that_is_still_refused_stays_and_says_why(refused: Sink) -> None:
    answer = refused.client.post("/v1/rejected/2/redrive")
    assert (answer.status_code, answer.content_type) == (409, PROBLEM)
    assert "id" in answer.get_json()["detail"]
    assert get(refused, "/v1/rejected/2")["id"] == 2
    assert refused.stored() == []


def test_one_that_is_let_in_by_now_is_stored_and_leaves(refused: Sink, tmp_path: Path) -> None:
    with open_sink(tmp_path, tolerate="attribute-names") as lenient:
        answer = lenient.client.post("/v1/rejected/1/redrive")
        assert (answer.status_code, answer.get_json()) == (200, {"stored": 1})
        assert [each["id"] for each in get(lenient, "/v1/rejected")["items"]] == [2]
        assert len(lenient.stored()) == 1
        assert lenient.client.post("/v1/rejected/1/redrive").status_code == 404


def test_one_is_dropped_once(refused: Sink) -> None:
    assert refused.client.delete("/v1/rejected/1").status_code == 204
    answer = refused.client.delete("/v1/rejected/1")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)
    assert [each["id"] for each in get(refused, "/v1/rejected")["items"]] == [2]


@pytest.mark.parametrize("number", ["99", "9223372036854775808", "0"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/redrive"), ("DELETE", "")])
def test_404_where_there_is_none(sink: Sink, number: str, method: str, path: str) -> None:
    answer = sink.client.open(f"/v1/rejected/{number}{path}", method=method)
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)


@pytest.mark.parametrize("asked", ["limit=0", "limit=x", "cursor=eA", "what=1"])
def test_422_names_a_parameter_that_cannot_be(sink: Sink, asked: str) -> None:
    answer = sink.client.get(f"/v1/rejected?{asked}")
    assert (answer.status_code, answer.content_type) == (422, PROBLEM)
    assert [each["pointer"] for each in answer.get_json()["errors"]] == [
        f"/{asked.partition('=')[0]}"
    ]
