"""Search finds what the naive predicate finds, over random events and filters, page by page."""

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_service.api import query
from audit_service.events import Event, JsonText
from audit_service.log import Backend, Origin
from service_kit.http import app as service_app
from tests.audit.search import naive
from tests.support.audit_client import Sink
from tests.support.log_databases import commit
from tests.support.log_processes import event

RANDOM = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
EVENTS = 120
VALUES = ["a", "ab", "abc", "b", "B", "Straße", "1", "1.0", "true", "x y", "a-b_c"]
EXTRAS: list[str | int | bool] = [*VALUES, 1, True]
NAMES = ["k", "l"]
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


def random_value(choose: random.Random, depth: int = 3) -> Any:
    kind = choose.random()
    if depth and kind < 0.3:
        return {
            name: random_value(choose, depth - 1)
            for name in choose.sample(NAMES, choose.randint(0, 2))
        }
    if depth and kind < 0.5:
        return [random_value(choose, depth - 1) for _ in range(choose.randint(0, 3))]
    return choose.choice([*VALUES, 1, 1.0, True, None])


def random_event(choose: random.Random) -> Event:
    attributes: dict[str, str | int | bool] = {"type": choose.choice(VALUES)}
    if choose.random() < 0.7:
        attributes["subject"] = choose.choice(VALUES)
    if choose.random() < 0.5:
        attributes["extra"] = choose.choice(EXTRAS)
    text = orjson.dumps(random_value(choose))
    # A space, so that some of it is read on the longer way.
    data = None if choose.random() < 0.2 else JsonText(text + b" " * choose.randint(0, 1))
    return event(choose.choice(VALUES), data, **attributes)


@pytest.fixture
def sink(backend: Backend) -> Iterator[Sink]:
    """A service that only reads, a log of random events."""
    choose = random.Random(1)
    for number in range(EVENTS):
        origin = Origin("t", 0, number) if choose.random() < 0.3 else None
        commit(backend, random_event(choose), origin=origin)
    app = service_app.create(__name__, title="Query", version="0", problem_for={}, checks={})
    app.register_blueprint(query.blueprint(backend))
    yield Sink(app)
    app.close()


def pages(sink: Sink, parameters: list[tuple[str, str]], limit: int) -> list[Any]:
    """Every record of a query, by following `next`."""
    found: list[Any] = []
    cursor: list[tuple[str, str]] = []
    while True:
        asked = urlencode([*parameters, ("limit", f"{limit}"), *cursor])
        answer = sink.client.get(f"/v1/events?{asked}")
        assert answer.status_code == 200, answer.text
        page = naive.decode(answer.text)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = [("cursor", page["next"])]


def test_every_query_finds_what_matches_once_and_in_order(sink: Sink) -> None:
    everything = pages(sink, [], 1000)
    assert len(everything) > EVENTS / 2

    @RANDOM
    @given(FILTERS, ONCE, st.sampled_from(["asc", "desc"]), st.integers(1, 40))
    def check(filters: list[tuple[str, str]], once: dict[str, str], order: str, limit: int) -> None:
        asked = [*filters, *once.items()]
        expected = [shown for shown in everything if naive.matches(shown, asked)]
        found = pages(sink, [*asked, ("order", order)], limit)
        assert found == (expected if order == "desc" else expected[::-1])

    check()
