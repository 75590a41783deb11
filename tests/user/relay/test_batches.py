"""Batches that are not accepted: only a single event is ever given up."""

import json
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.relay_harness import (
    HOUR,
    PATIENT,
    SinkLog,
    UserEvent,
    Verdict,
    drained,
    entries,
    fill,
    judging,
    relaying,
)
from tests.support.sink_server import open_sink
from tests.support.waiting import wait_until

USERS = [f"u{number}" for number in range(20)]
BAD = {UserEvent("u3", 1), UserEvent("u17", 2)}


def test_a_batch_is_a_json_array_of_at_most_as_many_events(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS, versions=[1, 2])
    log = SinkLog()
    with open_sink(judging(log)) as sink, relaying(database_url, sink.url, sink_batch=16):
        wait_until(drained(engine))
        batches = [each for each in sink.received if len(json.loads(each.body)) > 1]
    assert {len(events) for events in log.arrived} <= set(range(1, 17))
    assert max(len(events) for events in log.arrived) == 16
    for request in batches:
        assert request.headers["content-type"] == "application/cloudevents-batch+json"
    assert len(log.singles()) == 40


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_batch_is_split_until_only_the_bad_events_are_dead(
    engine: Engine, database_url: str, status: int
) -> None:
    fill(engine, *USERS, versions=[1, 2])
    log = SinkLog(lambda events: status if BAD & set(events) else 204)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=40) as relay,
    ):
        wait_until(drained(engine))
    assert {UserEvent(each.user, 1 + (each.user == "u17")) for each in entries(engine)} == BAD
    assert {each.state for each in entries(engine)} == {"dead"}
    assert sorted(log.acknowledged) == sorted(
        {UserEvent(user, version) for user in USERS for version in (1, 2)} - BAD
    )
    assert relay.counted["dead"] == 2


def test_a_batch_that_is_too_large_is_halved_and_nothing_is_dead(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS, versions=[1, 2])
    log = SinkLog(lambda events: 413 if len(events) > 5 else 204)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=40),
    ):
        wait_until(drained(engine))
    assert entries(engine) == []
    assert len(log.acknowledged) == 40


def test_a_sink_that_takes_no_batches_is_sent_single_events_and_that_is_said_once(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS, versions=[1, 2])
    log = SinkLog(lambda events: 415 if len(events) > 1 else 204)
    with (
        capture_logs() as logged,
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=4, **PATIENT),
    ):
        wait_until(drained(engine))
        batches = sum(1 for events in log.arrived if len(events) > 1)
        fill(engine, *USERS, versions=[3])
        wait_until(drained(engine))
    assert len(log.acknowledged) == 60
    assert sum(1 for events in log.arrived if len(events) > 1) == batches
    (said,) = [line for line in logged if "one by one" in line["event"]]
    assert said["log_level"] == "warning"


@pytest.mark.parametrize("status", [500, 503, 409, 404])
def test_an_event_that_only_fails_is_found_in_its_batch_while_others_are_delivered(
    engine: Engine, database_url: str, status: int
) -> None:
    fill(engine, *USERS, versions=[1, 2])
    poison = UserEvent("u3", 1)

    def judge(events: Sequence[UserEvent]) -> Verdict:
        return status if poison in events else 204

    log = SinkLog(judge)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=10, relay_pause_seconds=0.02),
    ):
        wait_until(lambda: len(log.acknowledged) == 38)
        wait_until(lambda: len(entries(engine)) == 2)
        wait_until(lambda: [poison] in log.arrived)
    bad, later = entries(engine)
    assert (bad.user, bad.state, later.user, later.state) == ("u3", "waiting", "u3", "waiting")


def test_a_poison_event_of_a_batch_is_a_dead_letter_by_itself(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS, versions=[1, 2])
    log = SinkLog(lambda events: 500 if UserEvent("u3", 1) in events else 204)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=10, relay_give_up_hours=0.02 / HOUR),
    ):
        number = iter(range(10**6))

        def dead() -> bool:
            fill(engine, f"other-{next(number)}")
            return "dead" in {each.state for each in entries(engine)}

        wait_until(dead)
        wait_until(drained(engine))
    (dead_letter,) = entries(engine)
    assert (dead_letter.user, dead_letter.state) == ("u3", "dead")
    assert log.of("u3") == [2]


@pytest.mark.parametrize("status", [400, 422, 500, 501])
def test_a_sink_that_refuses_batches_whole_is_sent_single_events_for_a_while(
    engine: Engine, database_url: str, status: int
) -> None:
    fill(engine, *USERS, versions=[1, 2, 3])
    log = SinkLog(lambda events: status if len(events) > 1 else 204)
    with (
        capture_logs() as lines,
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=10, relay_connections=1, **PATIENT) as relay,
    ):
        wait_until(drained(engine))
        refused = [events for events in log.arrived if len(events) > 1]
        fill(engine, *USERS, versions=[4, 5])
        wait_until(drained(engine))
        again = [events for events in log.arrived if len(events) > 1]
    assert "dead" not in relay.counted
    delivered = [events[0] for events in log.arrived if len(events) == 1]
    assert sorted(delivered) == sorted(UserEvent(u, v) for u in USERS for v in range(1, 6))
    assert again == refused
    # Halved down to single events at the most, once.
    assert len(refused) <= 9
    said = [line for line in lines if "refuses batches" in line["event"]]
    assert [line["log_level"] for line in said] == ["warning"]


def test_batches_are_tried_again_after_a_while_and_that_is_not_said_again(
    engine: Engine, database_url: str
) -> None:
    fill(engine, *USERS)
    log = SinkLog(lambda events: 500 if len(events) > 1 else 204)
    with (
        capture_logs() as lines,
        open_sink(judging(log)) as sink,
        relaying(
            database_url,
            sink.url,
            sink_batch=10,
            relay_connections=1,
            timing={"singles_seconds": 0.2},
        ),
    ):
        wait_until(drained(engine))

        def is_tried_again() -> bool:
            fill(engine, "u0", "u1", versions=[2 + len(log.arrived)])
            wait_until(drained(engine))
            return len([events for events in log.arrived if len(events) > 1]) > 1

        wait_until(is_tried_again)
    assert len([line for line in lines if "refuses batches" in line["event"]]) == 1


def test_a_batch_with_a_bad_event_does_not_end_batches(engine: Engine, database_url: str) -> None:
    fill(engine, *USERS)
    log = SinkLog(lambda events: 400 if UserEvent("u3", 1) in events else 204)
    with (
        capture_logs() as lines,
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, sink_batch=20, relay_connections=1),
    ):
        wait_until(drained(engine))
        fill(engine, *USERS, versions=[2])
        wait_until(drained(engine))
    assert max(len(events) for events in log.arrived[-4:]) > 1
    assert not [line for line in lines if "refuses batches" in line["event"]]
