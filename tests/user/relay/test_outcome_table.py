"""Outcomes of single events: each row of the table of answers, with real relays and sinks."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.relay_harness import (
    HOUR,
    SinkLog,
    UserEvent,
    Verdict,
    break_off,
    drained,
    entries,
    fill,
    hang,
    judging,
    relaying,
    states,
    talk_nonsense,
)
from tests.support.sink_server import closed_port, open_sink
from tests.support.waiting import wait_until
from user_service.relay.circuit_breaker import SinkState

# Which statuses are of which kind is proved in test_http_status.py; here, what each kind leads to.
FAULTS: dict[str, Verdict] = {
    "503": 503,
    "break-off": break_off,
    "nonsense": talk_nonsense,
    "hang": hang,
}
REFUSALS = [400, 415]
MISCONFIGURED = [302, 401, 404]
TINY_HOURS = 0.05 / HOUR
SHORT_HOURS = 0.5 / HOUR
"""Less than an outage of hanging takes, and more than a busy machine keeps an answer."""


def switching(verdict: Verdict) -> tuple[SinkLog, Callable[[], None]]:
    """A judge of one verdict for all, and what makes it 204."""
    back: list[bool] = []
    return SinkLog(lambda _: 204 if back else verdict), lambda: back.append(True)


def short_timeout(verdict: Verdict) -> dict[str, Any]:
    """The setting for a sink that never answers; one that does may take its time."""
    return {"relay_timeout": 0.1} if verdict is hang else {}


@pytest.mark.parametrize("status", [200, 204, 299])
def test_2xx_is_delivered(engine: Engine, database_url: str, status: int) -> None:
    fill(engine, "u", "v")
    log = SinkLog(lambda _: status)
    with open_sink(judging(log)) as sink, relaying(database_url, sink.url) as relay:
        wait_until(lambda: entries(engine) == [])
    assert sorted(log.singles()) == [UserEvent("u", 1), UserEvent("v", 1)]
    assert relay.counted == {"delivered": 2}


# While nothing gets through


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_in_an_outage_the_sink_is_probed_and_no_event_is_a_dead_letter(
    engine: Engine, database_url: str, fault: Verdict
) -> None:
    users = [f"u{number}" for number in range(12)]
    fill(engine, *users)
    log, repair = switching(fault)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(
            *(database_url, sink.url),
            relay_give_up_hours=SHORT_HOURS if fault is hang else TINY_HOURS,
            **short_timeout(fault),
        ) as relay,
    ):
        wait_until(lambda: relay.status.sink is SinkState.UNAVAILABLE)
        wait_until(lambda: len(log.arrived) >= 14)
        found = entries(engine)
        assert {entry.state for entry in found} == {"waiting"}
        assert {entry.tried_seconds for entry in found} == {0.0}
        assert {entry.backoff_seconds for entry in found} == {0.0}
        repair()
        wait_until(drained(engine))
        assert relay.status.sink is SinkState.AVAILABLE
    assert states(engine) == {}
    assert set(log.acknowledged) == {UserEvent(user, 1) for user in users}


def test_a_sink_that_refuses_connections_is_waited_for(engine: Engine, database_url: str) -> None:
    fill(engine, "u", "v", versions=[1, 2])
    log = SinkLog()
    with capture_logs(), ExitStack() as block:
        with closed_port() as port:
            running = block.enter_context(relaying(database_url, f"http://127.0.0.1:{port}/"))
            wait_until(lambda: any(entry.attempts > 1 for entry in entries(engine)))
            assert running.status.sink is SinkState.UNAVAILABLE
        block.enter_context(open_sink(judging(log), port))
        wait_until(drained(engine))
        running.end()
    assert (log.of("u"), log.of("v")) == ([1, 2], [1, 2])


def test_an_unavailable_sink_gets_one_probe_at_a_time(engine: Engine, database_url: str) -> None:
    fill(engine, *[f"u{number}" for number in range(20)])
    log = SinkLog(lambda _: 503)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url) as relay,
    ):
        wait_until(lambda: relay.status.sink is SinkState.UNAVAILABLE)
        wait_until(lambda: len(log.at) >= 16)
    # The first ones were on their way, one on each connection; from then on there is a pause.
    pauses = [later - earlier for earlier, later in pairwise(log.at[-5:])]
    assert min(pauses) >= 0.06


@pytest.mark.parametrize("form", ["1", "date"])
def test_retry_after_says_when_the_sink_is_probed_again(
    engine: Engine, database_url: str, form: str
) -> None:
    fill(engine, "u")
    date = "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\nRetry-After: Tue, 24 Nov 2026 10:00:01 GMT"
    line = f"Retry-After: {form}" if form == "1" else date
    verdicts = iter([(503, line)])
    log = SinkLog(lambda _: next(verdicts, 204))
    with capture_logs(), open_sink(judging(log)) as sink, relaying(database_url, sink.url):
        wait_until(drained(engine))
    first, second = log.at
    assert 0.9 < second - first < 2


# For one event while others get through


def against(user: str, verdict: Verdict) -> SinkLog:
    """Everybody's events are taken but this one's first."""
    return SinkLog(lambda events: verdict if events[0] == UserEvent(user, 1) else 204)


class Traffic:
    """Other users' events, as long as they are wanted."""

    def __init__(self, engine: Engine, log: SinkLog) -> None:
        self._engine = engine
        self._log = log
        self._number = 0

    def goes_on_until(self, condition: Callable[[], bool]) -> None:
        """Let one event after the other get through."""

        def step() -> bool:
            self._number += 1
            user = f"other-{self._number}"
            fill(self._engine, user)
            wait_until(lambda: UserEvent(user, 1) in self._log.acknowledged)
            return condition()

        wait_until(step)


@pytest.mark.parametrize("fault", [429, hang, 409], ids=["429", "hang", "409"])
def test_an_event_that_fails_alone_backs_off_with_its_users_later_ones(
    engine: Engine, database_url: str, fault: Verdict
) -> None:
    fill(engine, "bad", versions=[1, 2])
    log = against("bad", fault)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(
            database_url, sink.url, relay_give_up_hours=TINY_HOURS, **short_timeout(fault)
        ) as relay,
    ):
        traffic = Traffic(engine, log)
        traffic.goes_on_until(lambda: states(engine).get("dead") == 1)
        wait_until(drained(engine))
        assert relay.status.sink is SinkState.AVAILABLE
    (dead,) = entries(engine)
    assert dead.tried_seconds >= 0.05
    assert dead.backoff_seconds == 0
    assert dead.attempts == log.singles().count(UserEvent("bad", 1)) or callable(fault)
    assert dead.last_error
    bad = [event.version for event in log.singles() if event.user == "bad"]
    # It was tried again later and later, until it had been for 0.05 s.
    assert bad == sorted(bad)
    assert 2 <= bad.count(1) <= 10 or callable(fault)
    assert log.of("bad") == [2], "a dead letter holds up nobody"
    assert relay.counted["dead"] == 1


@pytest.mark.parametrize("status", MISCONFIGURED)
def test_a_misconfiguration_that_one_event_meets_stops_no_other_and_never_makes_it_a_dead_letter(
    engine: Engine, database_url: str, status: int
) -> None:
    fill(engine, "bad", versions=[1, 2])
    log = against("bad", status)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, relay_give_up_hours=TINY_HOURS, relay_pause_seconds=0.02),
    ):
        Traffic(engine, log).goes_on_until(lambda: entries(engine)[0].backoff_seconds >= 0.16)
        bad, later = [entry for entry in entries(engine) if entry.user == "bad"]
    assert (bad.state, bad.tried_seconds) == ("waiting", 0.0)
    assert (later.state, later.attempts) == ("waiting", 0)


# What will never be accepted


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_event_is_a_dead_letter_at_once_and_holds_up_no_other(
    engine: Engine, database_url: str, status: int
) -> None:
    fill(engine, "bad", "good", versions=[1, 2, 3])
    log = against("bad", status)
    with (
        capture_logs() as logged,
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url) as relay,
    ):
        wait_until(drained(engine))
    (dead,) = entries(engine)
    assert (dead.user, dead.state, dead.attempts) == ("bad", "dead", 1)
    assert dead.last_error == f"the sink answered {status}"
    assert (log.of("bad"), log.of("good")) == ([2, 3], [1, 2, 3])
    assert relay.counted == {"delivered": 5, "dead": 1}
    assert [line["outbox_id"] for line in logged if line["log_level"] == "error"] == [dead.id]


# A sink that somebody has to set right


@pytest.mark.parametrize("status", MISCONFIGURED)
def test_a_misconfigured_sink_is_probed_seldom_and_nothing_is_lost(
    engine: Engine, database_url: str, status: int
) -> None:
    users = [f"u{number}" for number in range(12)]
    fill(engine, *users)
    log, repair = switching(status)
    with (
        capture_logs() as logged,
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, relay_give_up_hours=TINY_HOURS) as relay,
    ):
        wait_until(lambda: relay.status.sink is SinkState.PAUSED)
        wait_until(lambda: len(log.at) >= 11)
        repair()
        wait_until(drained(engine))
        assert relay.status.sink is SinkState.AVAILABLE
    assert log.at[10] - log.at[9] >= 0.19
    assert states(engine) == {}
    assert set(log.acknowledged) == {UserEvent(user, 1) for user in users}
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert line["reason"] == f"the sink answered {status}"
