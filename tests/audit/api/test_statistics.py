"""Statistics over HTTP: histograms, and the values that there are."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from audit_service.log import Backend
from tests.support.audit_client import PROBLEM, Sink
from tests.support.log_databases import commit
from tests.support.log_processes import event
from tests.support.search_app import indexed, reading_sink


def get(sink: Sink, path: str) -> Any:
    answer = sink.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


DAY = "2026-05-01T"


@pytest.fixture
def timed(backend: Backend) -> Sink:
    """Events at 10:00:00, 10:00:30, 10:02:00 and one without a time."""
    times = [f"{DAY}10:00:00Z", f"{DAY}10:00:30.5Z", f"{DAY}12:02:00+02:00", None]
    for n, time in enumerate(times):
        attributes = {"type": f"t{n % 2}"} | ({} if time is None else {"time": time})
        commit(backend, event(f"{n}", None, **attributes))
    return reading_sink(backend)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bucket=minute", [("10:00", None, 2), ("10:01", None, 0), ("10:02", None, 1)]),
        (
            "bucket=minute&group=type",
            [
                *[("10:00", "t0", 1), ("10:00", "t1", 1)],
                *[("10:01", "t0", 0), ("10:01", "t1", 0)],
                *[("10:02", "t0", 1), ("10:02", "t1", 0)],
            ],
        ),
        ("bucket=hour&type=t1", [("10:00", None, 1)]),
        (
            f"bucket=minute&since={DAY}09:59:00Z&until={DAY}10:01:00.5Z",
            [("09:59", None, 0), ("10:00", None, 2), ("10:01", None, 0)],
        ),
        (f"bucket=minute&since={DAY}11:00:00Z&until={DAY}11:01:00Z", [("11:00", None, 0)]),
    ],
)
def test_every_bucket_is_shown_with_zeros(
    timed: Sink, asked: str, expected: list[tuple[str, str | None, int]]
) -> None:
    stats = get(timed, f"/v1/stats?by=time&{asked}")
    found = [(each["start"][11:16], each["value"], each["count"]) for each in stats["items"]]
    assert found == expected
    assert stats["complete"] is True


def test_auto_takes_the_shortest_bucket_of_which_there_are_500_at_most(timed: Sink) -> None:
    assert get(timed, "/v1/stats?by=time")["bucket"] == "second"
    period = f"by=time&since={DAY}00:00:00Z"
    assert get(timed, f"/v1/stats?{period}&until={DAY}08:20:00Z")["bucket"] == "minute"
    assert get(timed, f"/v1/stats?{period}&until={DAY}08:21:00Z")["bucket"] == "hour"
    long = get(timed, "/v1/stats?by=time&since=2020-01-01T00:00:00Z&until=2026-06-01T00:00:00Z")
    assert long["bucket"] == "day"
    assert len(long["items"]) == 500
    assert long["items"][-1]["start"] == "2026-05-31T00:00:00.000000Z"
    assert sum(each["count"] for each in long["items"]) == 3


@pytest.fixture(params=[False, True], ids=["scanned", "indexed"])
def sink_on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Backend], Sink]]:
    """What makes a sink of the log, by its index and without one."""
    with ExitStack() as stack:

        def made(backend: Backend) -> Sink:
            if not request.param:
                return reading_sink(backend)
            index, indexer = stack.enter_context(indexed(backend, tmp_path))
            while indexer.step():
                pass
            return reading_sink(backend, index)

        yield made


def test_the_bucket_is_as_short_as_those_that_match_let_it_be(
    backend: Backend, sink_on: Callable[[Backend], Sink]
) -> None:
    for second in range(5):
        commit(backend, event(f"a{second}", type="a", time=f"{DAY}10:00:0{second}Z"))
    for hour in range(10, 20):
        commit(backend, event(f"b{hour}", type="b", time=f"{DAY}{hour}:00:00Z"))
    sink = sink_on(backend)
    for asked, bucket, counts in (
        ("type=a", "second", [1] * 5),
        ("type=b", "hour", [1] * 10),
        ("", "hour", [6] + [1] * 9),
        (f"type=b&since={DAY}10:00:00Z&until={DAY}10:01:00Z", "second", [1] + [0] * 59),
    ):
        stats = get(sink, f"/v1/stats?by=time&{asked}")
        assert stats["bucket"] == bucket
        assert [each["count"] for each in stats["items"]] == counts
        assert stats["complete"] is True


def test_what_is_before_the_buckets_that_are_shown_makes_it_incomplete(
    backend: Backend, sink_on: Callable[[Backend], Sink]
) -> None:
    times = ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", f"{DAY}10:00:00Z"]
    for n, time in enumerate([*times, "9999-12-31T23:59:60-23:59"]):
        commit(backend, event(f"{n}", time=time))
    sink = sink_on(backend)
    stats = get(sink, "/v1/stats?by=time")
    assert (stats["bucket"], len(stats["items"]), stats["complete"]) == ("day", 500, False)
    assert sum(each["count"] for each in stats["items"]) == 1
    stats = get(sink, "/v1/stats?by=time&until=0002-01-01T00:00:00Z")
    assert (stats["items"][0]["start"], stats["items"][0]["count"]) == (
        "0001-01-01T00:00:00.000000Z",
        2,
    )


def test_values_that_are_not_counted_one_by_one_are_so_nowhere(
    backend: Backend, tmp_path: Path
) -> None:
    for kind in ("a", "b", "c"):
        commit(backend, event(f"{kind}1", type=kind), event(f"{kind}2", type=kind))
    with indexed(backend, tmp_path, most_values=2) as (index, indexer):
        while indexer.step():
            pass
        # Past the index.
        commit(backend, event("c3", type="c"), event("a3", type="a"))
        sink = reading_sink(backend, index)
        stats = get(sink, "/v1/stats?bucket=day&group=type")
        shown = {each["value"]: each["count"] for each in stats["items"] if each["count"]}
        assert shown == {"a": 3, "b": 2, None: 3}
        types = get(sink, "/v1/types")
        found = {each["value"]: each["count"] for each in types["items"]}
        assert (found, types["complete"]) == ({"a": 3, "b": 2}, False)


def test_an_empty_log_has_no_buckets(backend: Backend) -> None:
    assert get(reading_sink(backend), "/v1/stats") == {
        "bucket": "second",
        "items": [],
        "complete": True,
    }


def test_the_ten_largest_values_are_told_apart_and_the_others_counted(backend: Backend) -> None:
    for n in range(12):
        commit(backend, *(event(f"{n}-{k}", type=f"t{n:02}") for k in range(n + 1)))
    stats = get(reading_sink(backend), "/v1/stats?bucket=day&group=type")
    expected: list[tuple[str | None, int]] = [(f"t{n:02}", n + 1) for n in range(11, 1, -1)]
    shown = [(each["value"], each["count"]) for each in stats["items"] if each["count"]]
    assert shown == [*expected, (None, 1 + 2)]


@pytest.mark.parametrize(
    ("asked", "pointers"),
    [
        ("bucket=week", {"/bucket"}),
        ("bucket=day&bucket=day", {"/bucket"}),
        ("group=subject", {"/group"}),
        ("limit=3", {"/limit"}),
        ("group=x&type=", {"/group", "/type"}),
        ("bucket=second&since=-1h&until=-0s", {"/bucket"}),
        ("cursor=x", {"/cursor"}),
    ],
)
def test_422_names_each_parameter_that_cannot_be(
    sink: Sink, asked: str, pointers: set[str]
) -> None:
    answer = sink.client.get(f"/v1/stats?{asked}")
    assert (answer.status_code, answer.content_type) == (422, PROBLEM)
    assert {error["pointer"] for error in answer.get_json()["errors"]} == pointers


def test_values_are_counted_with_their_first_and_last_arrival(sink: Sink) -> None:
    sink.structured({"id": "1", "type": "a", "one": "x"})
    sink.structured({"id": "2", "type": "b", "source": "/other", "one": "x", "two": 2})
    sink.structured({"id": "3", "type": "b"})
    shown = sink.shown()
    types = get(sink, "/v1/types")
    assert types["complete"] is True
    assert [(each["value"], each["count"]) for each in types["items"]] == [("b", 2), ("a", 1)]
    assert types["items"][0]["first_seen"] == shown[1]["received_at"]
    assert types["items"][0]["last_seen"] == shown[2]["received_at"]
    sources = get(sink, "/v1/sources")["items"]
    assert [(each["value"], each["count"]) for each in sources] == [("/s", 2), ("/other", 1)]
    extensions = get(sink, "/v1/extensions")["items"]
    assert [(each["value"], each["count"]) for each in extensions] == [("one", 2), ("two", 1)]


def test_the_status_has_sizes_and_the_state_of_the_index(sink: Sink) -> None:
    sink.batch([{"id": f"{n}"} for n in range(5)])
    status = get(sink, "/v1/status")
    assert status["events"] == 5
    assert status["last_minute"] == 5
    assert status["bytes"] > 1000
    assert status["index"] == {"usable": False, "position": 0, "lag": 5, "bytes": 0}
    assert status["version"]
    readiness = get(sink, "/readyz")
    assert readiness["index"] == status["index"]
    assert "audit_service_index_lag_events 5.0" in sink.client.get("/metrics").text
