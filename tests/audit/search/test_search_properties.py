"""Search finds what the naive predicate finds, over random events and filters, page by page."""

import random
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_service.log import Backend, Origin
from tests.audit.search import naive
from tests.support.audit_client import Sink
from tests.support.log_databases import commit
from tests.support.random_events import VALUES, random_event
from tests.support.search_app import indexed, reading_sink

RANDOM = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
EVENTS = 120
DATA = [f"data.{path}" for path in ("k", "l", "k.l", "k[]", "k[].l", "[]", "[].k")]
PATTERNS = st.builds(
    "{}{}{}".format, st.sampled_from(["", "!"]), st.sampled_from(VALUES), st.sampled_from(["", "*"])
)
FILTERS = st.lists(
    st.tuples(st.sampled_from(["type", "subject", "id", "ext.extra"]), PATTERNS)
    | st.tuples(st.sampled_from(DATA), st.sampled_from(VALUES)),
    max_size=4,
)
ONCE = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from([*VALUES[:5], "STRASSE", "x", "c y"]),
        "conflicts": st.sampled_from(["true", "false"]),
        "transport": st.sampled_from(["http", "kafka"]),
    },
)


def append(backend: Backend, choose: random.Random, count: int) -> None:
    for number in range(count):
        origin = Origin("t", 0, number) if choose.random() < 0.3 else None
        commit(backend, random_event(choose), origin=origin)


def known(sink: Sink) -> list[Any]:
    """Every record, the newest first."""
    return pages(sink, [], 1000)


def pages(sink: Sink, parameters: list[tuple[str, str]], limit: int) -> list[Any]:
    """Every record of a query, by following `next`."""
    found: list[Any] = []
    for answer in sink.pages(urlencode([*parameters, ("limit", f"{limit}")])):
        page = naive.decode(answer.text)
        assert len(page["items"]) <= limit
        found += page["items"]
    return found


class Index(Enum):
    """How far an index is."""

    ABSENT = "absent"
    BEHIND = "behind"
    WHOLE = "whole"


@pytest.fixture(params=list(Index), ids=lambda index: index.value)
def sink(request: pytest.FixtureRequest, backend: Backend, tmp_path: Path) -> Iterator[Sink]:
    """A service that only reads, a log of random events, and an index of it, or of a part."""
    choose = random.Random(1)
    append(backend, choose, EVENTS // 2)
    with indexed(backend, tmp_path) as (index, indexer):
        if request.param is not Index.ABSENT:
            assert indexer.step() > 0
        append(backend, choose, EVENTS - EVENTS // 2)
        if request.param is Index.WHOLE:
            assert indexer.step() > 0
        yield reading_sink(backend, index)


def test_every_query_finds_what_matches_once_and_in_order(sink: Sink) -> None:
    everything = known(sink)
    assert len(everything) > EVENTS / 2

    @RANDOM
    @given(FILTERS, ONCE, st.sampled_from(["asc", "desc"]), st.integers(1, 40))
    def check(filters: list[tuple[str, str]], once: dict[str, str], order: str, limit: int) -> None:
        asked = [*filters, *once.items()]
        expected = [shown for shown in everything if naive.matches(shown, asked)]
        found = pages(sink, [*asked, ("order", order)], limit)
        assert found == (expected if order == "desc" else expected[::-1])

    check()


def test_every_count_and_histogram_is_of_what_matches(sink: Sink) -> None:
    everything = known(sink)

    @RANDOM
    @given(FILTERS, ONCE, st.sampled_from(["type", "source", "none"]))
    def check(filters: list[tuple[str, str]], once: dict[str, str], group: str) -> None:
        asked = [*filters, *once.items()]
        expected = [shown for shown in everything if naive.matches(shown, asked)]
        counted = sink.client.get(f"/v1/events?{urlencode([*asked, ('count', 'true')])}").json
        assert counted is not None
        assert counted["count"] == {"matches": len(expected), "complete": True}
        query = urlencode([*asked, ("bucket", "day"), ("group", group)])
        stats = sink.client.get(f"/v1/stats?{query}").json
        assert stats is not None
        check_statistics(stats, expected, group)

    check()


def check_statistics(stats: Any, expected: list[Any], group: str) -> None:
    """They are of the ten largest values, and of all others together, day by day."""
    values = [None if group == "none" else each["event"][group] for each in expected]
    totals = Counter(values)
    shown = {each["value"] for each in stats["items"]} - {None}
    assert len(shown) == min(10, len(totals) - (None in totals))
    hidden = [count for value, count in totals.items() if value not in shown]
    assert min((totals[each] for each in shown), default=0) >= max(hidden, default=0) or not shown
    naively: Counter[tuple[str, str | None]] = Counter()
    for value, each in zip(values, expected, strict=True):
        naively[each["received_at"][:10], value if value in shown else None] += 1
    found = {(each["start"][:10], each["value"]): each["count"] for each in stats["items"]}
    assert len(found) == len(stats["items"])
    assert {key: count for key, count in found.items() if count} == dict(naively)


def test_queries_are_right_while_events_arrive_and_the_index_lags_restarts_or_is_lost(
    backend: Backend, tmp_path: Path
) -> None:
    path = tmp_path / "test-index"

    @settings(RANDOM, max_examples=25)
    @given(st.lists(st.sampled_from(["append", "step", "restart", "lose", "damage"]), max_size=8))
    def check(faults: list[str]) -> None:
        choose = random.Random(str(faults))
        with indexed(backend, tmp_path) as (index, indexer):
            sink = reading_sink(backend, index)
            for fault in faults:
                match fault:
                    case "append":
                        append(backend, choose, 5)
                    case "step":
                        indexer.step()
                    case "restart":
                        indexer.close()
                    case "lose":
                        path.unlink(missing_ok=True)
                    case "damage" if path.exists():
                        path.write_bytes(b"no database at all" * 1000)
                everything = known(sink)
                asked = [("type", choose.choice(VALUES)), ("subject", "!a*")]
                expected = [shown for shown in everything if naive.matches(shown, asked)]
                assert pages(sink, asked, 7) == expected

    check()
