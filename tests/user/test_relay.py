"""What the relay does about each answer of a sink, and in which order events arrive."""

import time

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.user.outbox_relay import (
    Answer,
    answering_by,
    arrivals,
    events_of,
    fresh_user,
    outbox_rows,
    relaying,
    until,
    wait,
)
from tests.user.sinks import Sink, answering, closed_port, hanging, in_turn, open_sink
from user_service.relay import pace
from user_service.relay.pace import Sink as SinkState


def refusing(user: str, status: int, times: int = 10**9) -> Answer:
    """Answers `status` to a request with that user in it, so many times; else 204."""
    left = [times]

    def answer(subjects: list[str], _: int) -> tuple[int, dict[str, str]]:
        if user in subjects and left[0]:
            left[0] -= 1
            return status, {}
        return 204, {}

    return answer


def test_what_the_sink_acknowledges_is_gone_from_the_outbox(engine: Engine, sink: Sink) -> None:
    users = [fresh_user() for _ in range(20)]
    wait(engine, *users, versions=3)
    with relaying(engine, sink.url):
        until(lambda: outbox_rows(engine) == [])
    assert sorted(arrivals(sink.received)) == sorted((u, v) for u in users for v in (1, 2, 3))
    assert len(sink.received) == 60


@pytest.mark.parametrize("batch", [1, 7])
def test_each_users_events_arrive_in_their_order(engine: Engine, sink: Sink, batch: int) -> None:
    users = [fresh_user() for _ in range(5)]
    wait(engine, *users, versions=20)
    with relaying(engine, sink.url, sink_batch=batch):
        until(lambda: outbox_rows(engine) == [])
    for user in users:
        versions = [version for subject, version in arrivals(sink.received) if subject == user]
        assert versions == list(range(1, 21))


def test_what_is_kept_for_a_while_is_not_sent_again(engine: Engine, sink: Sink) -> None:
    wait(engine, fresh_user())
    with relaying(engine, sink.url, outbox_keep_hours=1):
        until(lambda: [row[1:3] for row in outbox_rows(engine)] == [("delivered", 1)])
        wait(engine, fresh_user())
        until(lambda: len(sink.received) == 2)
    assert [row[1] for row in outbox_rows(engine)] == ["delivered", "delivered"]


def test_a_new_event_is_sent_soon(engine: Engine, sink: Sink) -> None:
    with relaying(engine, sink.url) as activity:
        until(lambda: activity.active)
        began = time.monotonic()
        wait(engine, fresh_user())
        sink.wait_for(1)
    # It is 0.1 s at most; here only that it is not found by some slower way.
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_sink_that_takes_nothing_is_waited_for(engine: Engine, status: int) -> None:
    users = [fresh_user() for _ in range(4)]
    wait(engine, *users)
    with open_sink(in_turn(*[status] * 6)) as sink:
        with relaying(engine, sink.url, relay_connections=4) as activity:
            until(lambda: activity.sink is SinkState.WAITING)
            until(lambda: outbox_rows(engine) == [])
        # Four at once found out, then one probe at a time.
        assert len(sink.received) == 6 + 4


def test_a_sink_that_refuses_connections_loses_nothing(engine: Engine) -> None:
    wait(engine, fresh_user())
    with closed_port() as port, relaying(engine, f"http://127.0.0.1:{port}/") as activity:
        until(lambda: activity.sink is SinkState.WAITING)
    ((_, state, attempts, tried, backoff, error),) = outbox_rows(engine)
    assert (state, tried, backoff) == ("waiting", 0, 0)
    assert attempts >= 1
    assert "refused" in error


def test_a_sink_that_hangs_is_given_up_in_time_and_tried_again(engine: Engine) -> None:
    wait(engine, fresh_user())
    with open_sink(hanging()) as sink, relaying(engine, sink.url, relay_timeout=0.2):
        sink.wait_for(2)
    assert [row[1] for row in outbox_rows(engine)] == ["waiting"]


def test_retry_after_says_when_a_waiting_sink_is_probed(engine: Engine) -> None:
    at: list[float] = []

    def answer(_: list[str], number: int) -> tuple[int, dict[str, str]]:
        at.append(time.monotonic())
        return (503, {"Retry-After": "1"}) if number == 0 else (204, {})

    wait(engine, fresh_user())
    with open_sink(answering_by(answer)) as sink, relaying(engine, sink.url):
        until(lambda: outbox_rows(engine) == [])
    assert at[1] - at[0] >= 0.95


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_will_never_be_accepted_is_a_dead_letter_and_holds_up_nobody(
    engine: Engine, status: int
) -> None:
    bad = fresh_user()
    wait(engine, bad, fresh_user(), versions=2)
    with open_sink(answering_by(refusing(bad, status, times=1))) as sink:
        with capture_logs() as logged, relaying(engine, sink.url):
            until(lambda: len(outbox_rows(engine)) == 1)
            sink.wait_for(4)
        assert (bad, 2) in arrivals(sink.received)
    ((subject, state, attempts, _, _, error),) = outbox_rows(engine)
    assert (subject, state, attempts) == (bad, "dead", 1)
    assert str(status) in error
    assert "an event is a dead letter" in {line["event"] for line in logged}


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 407, 410])
def test_a_sink_that_is_none_is_paused_for_and_loses_nothing(engine: Engine, status: int) -> None:
    wait(engine, fresh_user(), fresh_user())
    with (
        open_sink(in_turn(status, status, status)) as sink,
        relaying(engine, sink.url, relay_pause_seconds=0.3, relay_connections=1) as activity,
    ):
        until(lambda: activity.sink is SinkState.PAUSED)
        until(lambda: outbox_rows(engine) == [])
        assert activity.sink is SinkState.OPEN


@pytest.mark.parametrize("status", [500, 409, 404])
def test_one_event_that_fails_while_others_get_through_waits_alone(
    engine: Engine, status: int
) -> None:
    bad, good = fresh_user(), [fresh_user() for _ in range(10)]
    wait(engine, bad, *good, versions=3)
    with open_sink(answering_by(refusing(bad, status))) as sink:
        with relaying(engine, sink.url, relay_pause_seconds=0.2):
            until(lambda: {row[0] for row in outbox_rows(engine)} == {bad})
            until(lambda: outbox_rows(engine)[0][4] > 0)
        sent = [each for request in sink.received for each in events_of(request)]
        assert {version for subject, version in sent if subject == bad} == {1}
    assert [row[1] for row in outbox_rows(engine)] == ["waiting"] * 3


def test_an_event_is_a_dead_letter_once_it_was_tried_for_long_enough(engine: Engine) -> None:
    bad = fresh_user()
    wait(engine, bad, fresh_user())
    settings = {"relay_give_up_hours": 0.6 / 3600}
    with (
        open_sink(answering_by(refusing(bad, 500))) as sink,
        relaying(engine, sink.url, **settings),
    ):

        def dead() -> bool:
            # Others get through all the while, or it would be the sink's fault.
            wait(engine, fresh_user())
            return ("dead",) in {row[1:2] for row in outbox_rows(engine)}

        until(dead)
        until(lambda: [row[0] for row in outbox_rows(engine)] == [bad])


def test_an_outage_kills_no_event_whatever_its_length(engine: Engine) -> None:
    wait(engine, fresh_user(), fresh_user())
    settings = {"relay_give_up_hours": 0.2 / 3600}
    with (
        open_sink(answering(503)) as sink,
        relaying(engine, sink.url, **settings),
    ):
        sink.wait_for(4)
    assert {row[1] for row in outbox_rows(engine)} == {"waiting"}


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_refused_is_split_down_to_the_one_that_is_bad(
    engine: Engine, status: int
) -> None:
    users = [fresh_user() for _ in range(16)]
    wait(engine, *users)
    with (
        open_sink(answering_by(refusing(users[5], status))) as sink,
        relaying(engine, sink.url, sink_batch=16, relay_connections=1),
    ):
        until(lambda: len(outbox_rows(engine)) == 1)
        until(lambda: outbox_rows(engine)[0][1] == "dead")
        sizes = [len(events_of(request)) for request in sink.received]
    assert outbox_rows(engine)[0][0] == users[5]
    assert sizes[0] == 16
    assert 8 in sizes
    assert len(sizes) < 16


def test_a_sink_that_takes_no_batches_is_sent_single_events_from_then_on(engine: Engine) -> None:
    def answer(subjects: list[str], _: int) -> tuple[int, dict[str, str]]:
        return (415 if len(subjects) > 1 else 204), {}

    wait(engine, *[fresh_user() for _ in range(10)])
    with open_sink(answering_by(answer)) as sink:
        with (
            capture_logs() as logged,
            relaying(engine, sink.url, sink_batch=5, relay_connections=1),
        ):
            until(lambda: outbox_rows(engine) == [])
        assert [len(events_of(r)) for r in sink.received].count(5) == 1
    assert sum("takes no batches" in line["event"] for line in logged) == 1


def test_a_slow_user_holds_up_nobody_else(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SHORTEST_SECONDS", 0.1)
    slow, quick = fresh_user(), [fresh_user() for _ in range(5)]
    wait(engine, slow, *quick, versions=20)
    with open_sink(answering_by(refusing(slow, 503, times=3))) as sink, relaying(engine, sink.url):
        until(lambda: outbox_rows(engine) == [])
        seen = arrivals(sink.received)
    assert [version for subject, version in seen if subject == slow] == list(range(1, 21))
