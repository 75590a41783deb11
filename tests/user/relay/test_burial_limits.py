"""Burial limits: the relay pauses before a fault of the sink fills the outbox with dead letters."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.relay_harness import (
    Running,
    SinkLog,
    UserEvent,
    drained,
    fill,
    judging,
    relaying,
    states,
)
from tests.support.sink_server import open_sink
from tests.support.waiting import wait_until
from user_service.relay import health
from user_service.relay.circuit_breaker import PauseCause
from user_service.settings import Settings
from user_service.store import outbox_admin
from user_service.store.outbox_admin import Selection
from user_service.store.transactions import writing

USERS = [f"u{number:02}" for number in range(50)]
MOST = 3
NEVER = 3600
SOON = {"count_seconds": 0.05}


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def _pauses(lines: Sequence[Any]) -> list[str]:
    return [line["cause"] for line in lines if line["event"] == "the sink is paused"]


def _is_paused_for(relay: Running, cause: PauseCause) -> Callable[[], bool]:
    return lambda: relay.status.paused_for is cause


@pytest.mark.parametrize("batch", [1, 10])
def test_twenty_refusals_in_a_row_pause_the_relay_and_no_more_are_dead_letters(
    engine: Engine, database_url: str, batch: int, logged: list[Any]
) -> None:
    fill(engine, *USERS)
    right: list[bool] = []
    log = SinkLog(lambda _: 204 if right else 422)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=batch, relay_pause_seconds=0.05) as relay,
    ):
        wait_until(_is_paused_for(relay, PauseCause.ALL_REFUSED))
        before = len(log.arrived)
        wait_until(lambda: len(log.arrived) > before + 20, what="probes")
        assert relay.status.paused_for is PauseCause.ALL_REFUSED
        assert states(engine) == {"dead": 20, "waiting": 30}
        assert _pauses(logged) == ["refuses everything"]
        right.append(True)
        wait_until(drained(engine))
        wait_until(lambda: relay.status.paused_for is None)
    assert states(engine) == {"dead": 20}
    assert len(log.acknowledged) == 30


def test_refusals_with_something_accepted_between_pause_nothing(
    engine: Engine, database_url: str, logged: list[Any]
) -> None:
    fill(engine, *USERS)
    log = SinkLog(lambda events: 204 if events[0].user.endswith("9") else 400)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, relay_connections=1),
    ):
        wait_until(drained(engine))
    assert states(engine) == {"dead": 45}
    assert _pauses(logged) == []


def test_past_the_most_dead_letters_the_relay_pauses_and_buries_no_more(
    engine: Engine, database_url: str, logged: list[Any]
) -> None:
    fill(engine, *USERS[:10])
    log = SinkLog(lambda _: 400)
    with (
        open_sink(judging(log)) as sink,
        relaying(
            database_url,
            sink.url,
            dead_letters_max=MOST,
            relay_pause_seconds=0.05,
            timing=SOON,
            relay_timeout=30,
        ) as relay,
    ):
        wait_until(_is_paused_for(relay, PauseCause.DEAD_LETTERS))
        before = len(log.arrived)
        wait_until(lambda: len(log.arrived) > before + 20, what="probes")
        assert states(engine) == {"dead": MOST, "waiting": 7}
        assert _pauses(logged) == ["too many dead letters"]


def test_dead_letters_of_an_earlier_relay_count(engine: Engine, database_url: str) -> None:
    fill(engine, *USERS[:10])
    with open_sink(judging(SinkLog(lambda _: 400))) as sink:
        for _ in range(2):
            with relaying(database_url, sink.url, dead_letters_max=MOST) as relay:
                wait_until(_is_paused_for(relay, PauseCause.DEAD_LETTERS))
    assert states(engine) == {"dead": MOST, "waiting": 7}


def test_a_probe_that_is_accepted_resumes_though_there_is_no_room(
    engine: Engine, database_url: str
) -> None:
    fill(engine, "bad0", "bad1")
    fill(engine, *USERS[:10])

    def judge(events: Sequence[UserEvent]) -> int:
        return 400 if events[0].user.startswith("bad") else 204

    log = SinkLog(judge)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, dead_letters_max=1, relay_pause_seconds=0.05),
    ):
        wait_until(lambda: states(engine) == {"dead": 1, "waiting": 1})
    assert len(log.acknowledged) == 10


@pytest.mark.parametrize("make_room", [outbox_admin.drop, outbox_admin.replay])
def test_room_for_dead_letters_resumes_without_a_probe(
    engine: Engine, database_url: str, make_room: Callable[..., int]
) -> None:
    fill(engine, *USERS[:10])
    right: list[bool] = []
    log = SinkLog(lambda _: 204 if right else 400)
    with (
        open_sink(judging(log)) as sink,
        relaying(
            database_url, sink.url, dead_letters_max=MOST, relay_pause_seconds=NEVER, timing=SOON
        ) as relay,
    ):
        wait_until(_is_paused_for(relay, PauseCause.DEAD_LETTERS))
        wait_until(lambda: states(engine).get("dead") == MOST)
        right.append(True)
        with writing(engine) as connection:
            assert make_room(connection, Selection()) == MOST

        def is_drained() -> bool:
            # What was refused before, and is buried only now, may need room once more.
            with writing(engine) as connection:
                make_room(connection, Selection())
            return states(engine) == {}

        wait_until(is_drained)


def test_readiness_and_metrics_say_that_there_are_too_many_dead_letters(
    engine: Engine, database_url: str
) -> None:
    app, status = health.create(engine, Settings())
    client = app.test_client()
    fill(engine, *USERS[:10])
    with (
        open_sink(judging(SinkLog(lambda _: 400))) as sink,
        relaying(database_url, sink.url, dead_letters_max=MOST, status=status),
    ):
        wait_until(lambda: status.paused_for is not None)
        wait_until(lambda: states(engine).get("dead") == MOST)
        response = client.get("/readyz")
        told = response.get_json()
        assert "user_service_relay_paused 1.0" in client.get("/metrics").text
    assert response.status_code == 503
    assert told["checks"] == {"database": "ok", "sink": "ok", "dead_letters": "failing"}
    assert (told["paused_for"], told["dead_letters"]) == ("too many dead letters", MOST)
    assert "user_service_relay_paused 0.0" in client.get("/metrics").text
