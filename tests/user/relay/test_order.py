"""Order: each user's events arrive in their order, and users do not wait for each other."""

from contextlib import ExitStack

import pytest
from sqlalchemy import Engine

from tests.support.relay_harness import (
    PATIENT,
    SinkLog,
    UserEvent,
    connected,
    drained,
    entries,
    fill,
    hang,
    judging,
    put_one,
    relaying,
    states,
)
from tests.support.sink_server import open_sink
from tests.support.waiting import wait_until

USERS = [f"user-{number}" for number in range(8)]
VERSIONS = range(1, 11)


def in_order(log: SinkLog, versions: range = VERSIONS) -> bool:
    """Whether the first arrivals of each user's events came in their order, all of them."""
    first = log.first_arrivals()
    assert sorted(first) == sorted(UserEvent(user, each) for user in USERS for each in versions)
    return all(
        [event.version for event in first if event.user == user] == list(versions) for user in USERS
    )


@pytest.mark.parametrize("batch", [1, 7])
def test_first_arrivals_are_in_each_users_order(
    engine: Engine, database_url: str, batch: int
) -> None:
    fill(engine, *USERS, versions=VERSIONS)
    log = SinkLog()
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=batch, **PATIENT),
    ):
        wait_until(drained(engine))
    assert in_order(log)
    assert len(log.singles()) == len(USERS) * len(VERSIONS)
    assert log.at_once == 1
    assert len(log.arrived) == 80 if batch == 1 else len(log.arrived) < 40


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("status", [503, 409, 404])
def test_first_arrivals_stay_in_order_whatever_is_retried(
    engine: Engine, database_url: str, status: int, batch: int
) -> None:
    versions = range(1, 6)
    fill(engine, *USERS, versions=versions)
    asked = iter(range(10**6))
    # Each fourth request fails, whoever it is about.
    log = SinkLog(lambda _: status if next(asked) % 4 == 0 else 204)
    with (
        open_sink(judging(log)) as sink,
        # What waited behind an event that backed off is fetched as soon as that one has arrived.
        relaying(
            database_url,
            sink.url,
            timing={"poll_seconds": 60.0},
            sink_batch=batch,
            relay_pause_seconds=0.02,
        ),
    ):
        wait_until(drained(engine))
    assert in_order(log, versions)
    assert [log.of(user) for user in USERS] == [list(versions)] * len(USERS)
    assert log.at_once == 1
    assert entries(engine) == []


def test_first_arrivals_stay_in_order_when_batches_are_split(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS, versions=VERSIONS)
    bad = {UserEvent(USERS[2], 3), UserEvent(USERS[5], 1)}
    log = SinkLog(lambda events: 400 if bad & set(events) else 204)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=20),
    ):
        wait_until(drained(engine))
    assert in_order(log)
    assert {UserEvent(each.user, int(each.attempts > 0)) for each in entries(engine)} == {
        UserEvent(USERS[2], 1),
        UserEvent(USERS[5], 1),
    }
    assert states(engine) == {"dead": 2}


def test_a_users_event_that_hangs_keeps_no_other_user_waiting(
    engine: Engine, database_url: str
) -> None:
    fill(engine, "slow", *USERS, versions=VERSIONS)
    log = SinkLog(lambda events: hang if events[0].user == "slow" else 204)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, timing={"stop_seconds": 0.1}, relay_timeout=60),
    ):
        wait_until(lambda: len(log.acknowledged) == len(USERS) * len(VERSIONS), 5)
        fill(engine, "new")
        wait_until(lambda: UserEvent("new", 1) in log.acknowledged, 2)
        assert [event for event in log.singles() if event.user == "slow"] == [UserEvent("slow", 1)]
        wait_until(lambda: states(engine) == {"waiting": len(VERSIONS)})


def test_a_user_of_thousands_of_events_starves_nobody(engine: Engine, database_url: str) -> None:
    fill(engine, "many", versions=range(1, 4201))
    fill(engine, *USERS)
    log = SinkLog()
    # What does not fit into memory is fetched as soon as there is room, not at the next poll.
    seldom = {"poll_seconds": 60.0}
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, timing=seldom) as relay,
    ):
        wait_until(lambda: set(USERS) <= {event.user for event in log.acknowledged})
        assert log.singles().count(UserEvent("many", 1)) == 1
        before = len(log.of("many"))
        assert before < 1000, "the others waited until the memory had room"
        wait_until(lambda: len(log.of("many")) > before + 300)
        relay.stop.set()
    versions = log.of("many")
    assert versions == list(range(1, len(versions) + 1))


def test_an_event_that_becomes_visible_after_later_ones_is_found(
    postgres_database: str,
) -> None:
    log = SinkLog()
    with (
        connected(postgres_database) as engine,
        open_sink(judging(log)) as sink,
        relaying(postgres_database, sink.url),
    ):
        with engine.begin() as late:
            put_one(late, "late")
            fill(engine, "early")
            wait_until(lambda: log.acknowledged == [UserEvent("early", 1)])
        wait_until(lambda: log.acknowledged == [UserEvent("early", 1), UserEvent("late", 1)])


def test_of_two_relays_one_delivers_and_the_order_survives_the_change(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS, versions=VERSIONS)
    log = SinkLog()
    with open_sink(judging(log)) as sink, ExitStack() as relays:
        first = relays.enter_context(relaying(database_url, sink.url, "first"))
        wait_until(first.is_active)
        second = relays.enter_context(relaying(database_url, sink.url, "second"))
        wait_until(lambda: len(log.acknowledged) > 10)
        assert not second.is_active()
        first.end()
        wait_until(drained(engine))
        assert second.is_active()
    assert in_order(log)
    assert len(log.singles()) == len(USERS) * len(VERSIONS), "what was under way was finished"
