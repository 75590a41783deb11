"""Faults of a broker: an answer in time, and nothing stored without its message."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.kafka import Broker, OwnBroker
from tests.support.kafka_sinks import event_of, hanging, ids_in, sink_to, within
from tests.support.sink_server import closed_port
from tests.support.user_api import ARTICLE, created, patch, post, refused
from tests.user.conftest import SHORT_DEADLINE, MakeApp, Query
from user_service.delivery.deadline import Delivery
from user_service.sinks.kafka import KafkaSink
from user_service.sinks.sink import Cancelled, Fault, NotDelivered, Outcome

Open = Callable[..., KafkaSink]


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: what a broker does is the same to any database."""
    return f"sqlite:///{database_file}"


@pytest.fixture
def open_sink() -> Iterator[Open]:
    """Opens sinks, and closes them at the end."""
    opened: list[KafkaSink] = []

    def open_one(broker: Broker, topic: str, parameters: str = "") -> KafkaSink:
        opened.append(sink_to(broker, topic, parameters))
        return opened[-1]

    yield open_one
    for sink in opened:
        sink.close()


def timed(ask: Callable[[], TestResponse]) -> tuple[TestResponse, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began


def until_it_is_made(client: FlaskClient) -> None:
    """Return once the service, by itself, takes changes again."""
    deadline = time.monotonic() + 20
    while post(client, ARTICLE).status_code != 201:
        assert time.monotonic() < deadline, "it does not recover"


def test_without_a_broker_the_service_starts_and_answers_500_within_the_timeout(
    make_app: MakeApp, query: Query
) -> None:
    with closed_port() as port:
        client = make_app(
            sink=f"kafka://127.0.0.1:{port}/audit", delivery_timeout=SHORT_DEADLINE
        ).test_client()
        assert client.get("/readyz").status_code == 200
        answer, seconds = timed(lambda: post(client, ARTICLE))
    assert refused(answer, 500)["outcome"] == "not-delivered"
    assert seconds < 1
    assert query("SELECT * FROM users") == []


def test_a_broker_that_comes_only_after_the_service_is_found(
    make_app: MakeApp, frail_broker: OwnBroker
) -> None:
    url = f"kafka://{frail_broker.address}/{frail_broker.new_topic()}"
    frail_broker.stop()
    client = make_app(sink=url, delivery_timeout=2).test_client()
    assert refused(post(client, ARTICLE), 500)["outcome"] == "not-delivered"
    frail_broker.start()
    until_it_is_made(client)


def test_a_broker_that_is_killed_and_comes_back_is_found_again(
    make_app: MakeApp, frail_broker: OwnBroker, query: Query
) -> None:
    topic = frail_broker.new_topic()
    url = f"kafka://{frail_broker.address}/{topic}"
    client = make_app(sink=url, delivery_timeout=2).test_client()
    user = created(client)
    frail_broker.stop("KILL")
    answer, seconds = timed(lambda: patch(client, user, name="Geezer"))
    refused(answer, 500)
    assert seconds < 3
    # By now it is known that there is none: nothing is even tried.
    assert refused(post(client, ARTICLE), 500)["outcome"] == "not-delivered"
    frail_broker.start()
    until_it_is_made(client)
    assert patch(client, user, name="Tony").status_code == 200
    stored = query("SELECT id, version FROM users")
    kept = {(one.key, one.headers["ce_subjectversion"]) for one in frail_broker.messages(topic)}
    assert {(key.encode(), str(version).encode()) for key, version in stored} <= kept


def test_a_broker_that_hangs_leaves_the_outcome_unknown_within_the_timeout(
    make_app: MakeApp, frail_broker: OwnBroker, query: Query
) -> None:
    url = f"kafka://{frail_broker.address}/{frail_broker.new_topic()}"
    client = make_app(sink=url, delivery_timeout=2).test_client()
    created(client)
    with hanging(frail_broker):
        answer, seconds = timed(lambda: post(client, ARTICLE))
    assert refused(answer, 500)["outcome"] == "unknown"
    assert seconds < 2.5
    assert len(query("SELECT * FROM users")) == 1
    until_it_is_made(client)


def test_an_event_past_its_deadline_does_not_arrive_late(
    frail_broker: OwnBroker, open_sink: Open
) -> None:
    topic = frail_broker.new_topic()
    sink = open_sink(frail_broker, topic)
    delivery = Delivery(sink, threads=2)
    first, given_up, last = event_of("a"), event_of("b"), event_of("c")
    delivery.deliver(first, time.monotonic() + 20)
    with hanging(frail_broker):
        with pytest.raises(NotDelivered) as caught:
            delivery.deliver(given_up, time.monotonic() + 1)
        # With what it was sent and has not looked at.
        frail_broker.stop("KILL")
    assert caught.value.outcome is Outcome.UNKNOWN
    frail_broker.start()
    delivery.deliver(last, time.monotonic() + 20)
    assert set(ids_in(frail_broker, topic)) == {first.get_id(), last.get_id()}


def test_a_purge_for_one_event_loses_no_other(frail_broker: OwnBroker, open_sink: Open) -> None:
    topic = frail_broker.new_topic()
    sink = open_sink(frail_broker, topic)
    sink.send(event_of("a"), within(20))
    patient, hasty = event_of("p"), event_of("h")
    delivery = Delivery(sink, threads=2)
    with ThreadPoolExecutor(1) as other:
        with hanging(frail_broker):
            waiting = other.submit(delivery.deliver, patient, time.monotonic() + 20)
            with pytest.raises(NotDelivered):
                delivery.deliver(hasty, time.monotonic() + 0.5)
            assert not waiting.done()
        waiting.result(20)
    assert patient.get_id() in ids_in(frail_broker, topic)


def test_an_attempt_cancelled_before_it_was_sent_is_never_sent(
    kafka_broker: Broker, open_sink: Open
) -> None:
    topic = kafka_broker.new_topic()
    attempt = within(10)
    attempt.cancel()
    with pytest.raises(Cancelled):
        open_sink(kafka_broker, topic).send(event_of(), attempt)
    assert ids_in(kafka_broker, topic) == []


def test_a_topic_that_does_not_exist_is_our_fault(kafka_broker: Broker, open_sink: Open) -> None:
    sink = open_sink(kafka_broker, "nowhere", "?allow.auto.create.topics=false")
    with pytest.raises(NotDelivered) as caught:
        sink.send(event_of(), within(2))
    assert caught.value.outcome is Outcome.NOT_DELIVERED
    assert caught.value.fault is Fault.MISCONFIGURED
    assert "Unknown topic" in caught.value.reason
