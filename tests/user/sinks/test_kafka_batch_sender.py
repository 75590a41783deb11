"""Kafka batch sender: many messages at once, and the outcome of each."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.kafka import Broker, OwnBroker
from tests.support.kafka_sinks import batch_sender_to, event_of, hanging, ids_in, within
from tests.support.sink_server import closed_port
from user_service.sinks.cloudevents import serialise
from user_service.sinks.kafka import KafkaBatchSender
from user_service.sinks.sink import Fault, NotDelivered, Outcome

Open = Callable[..., KafkaBatchSender]


@pytest.fixture
def open_batch_sender() -> Iterator[Open]:
    """Opens batch senders, and closes them at the end."""
    opened: list[KafkaBatchSender] = []

    def open_one(broker: Broker, topic: str, parameters: str = "") -> KafkaBatchSender:
        opened.append(batch_sender_to(broker, topic, parameters))
        return opened[-1]

    yield open_one
    for batch_sender in opened:
        batch_sender.close()


def failure(result: NotDelivered | None) -> tuple[Outcome, Fault, bool] | None:
    return None if result is None else (result.outcome, result.fault, result.batch_failure)


def test_a_batch_of_the_greatest_size_is_acknowledged_once(
    kafka_broker: Broker, open_batch_sender: Open
) -> None:
    topic = kafka_broker.new_topic()
    batch_sender = open_batch_sender(kafka_broker, topic)
    events = [event_of(f"u{number}") for number in range(batch_sender.max_batch)]
    assert (
        batch_sender.send_batch([serialise(event) for event in events], within(20)) == [None] * 500
    )
    assert sorted(ids_in(kafka_broker, topic)) == sorted(event.get_id() for event in events)


def test_batches_in_turn_are_in_each_users_order(
    kafka_broker: Broker, open_batch_sender: Open
) -> None:
    topic = kafka_broker.new_topic()
    batch_sender = open_batch_sender(kafka_broker, topic)
    assert batch_sender.one_event_per_user
    for version in range(1, 6):
        events = [serialise(event_of(f"u{number}", version)) for number in range(20)]
        assert batch_sender.send_batch(events, within(20)) == [None] * 20
    seen: dict[bytes | None, list[bytes | None]] = {}
    for kept in kafka_broker.messages(topic):
        seen.setdefault(kept.key, []).append(kept.headers["ce_subjectversion"])
    assert len(seen) == 20
    assert {tuple(versions) for versions in seen.values()} == {(b"1", b"2", b"3", b"4", b"5")}


@pytest.mark.parametrize("limit", ["here", "there"])
def test_a_message_that_is_too_large_is_refused_and_the_others_are_acknowledged(
    kafka_broker: Broker, open_batch_sender: Open, limit: str
) -> None:
    topic = kafka_broker.new_topic(1, **({} if limit == "here" else {"max_message_bytes": "2000"}))
    parameters = "?message.max.bytes=2000" if limit == "here" else "?linger.ms=50"
    batch_sender = open_batch_sender(kafka_broker, topic, parameters)
    large = event_of("large", source="/" + "x" * 3000)
    events = [event_of("u1"), large, *(event_of(f"u{number}") for number in range(2, 9))]
    results = batch_sender.send_batch([serialise(event) for event in events], within(20))
    refused = (Outcome.NOT_DELIVERED, Fault.REFUSED, False)
    assert [failure(result) for result in results] == [None, refused, *[None] * 7]
    small = [event.get_id() for event in events if event is not large]
    assert sorted(ids_in(kafka_broker, topic)) == sorted(small)


def test_messages_that_are_too_large_only_together_are_acknowledged(
    kafka_broker: Broker, open_batch_sender: Open
) -> None:
    topic = kafka_broker.new_topic(1, max_message_bytes="2000")
    batch_sender = open_batch_sender(kafka_broker, topic, "?linger.ms=50")
    events = [event_of(f"u{number}") for number in range(20)]
    assert (
        batch_sender.send_batch([serialise(event) for event in events], within(20)) == [None] * 20
    )
    assert sorted(ids_in(kafka_broker, topic)) == sorted(event.get_id() for event in events)


def test_without_a_broker_nothing_is_sent_and_all_fail_as_one(open_batch_sender: Open) -> None:
    with closed_port() as port:
        batch_sender = open_batch_sender(Broker(f"127.0.0.1:{port}"), "audit")
        results = batch_sender.send_batch(
            [serialise(event_of(user)) for user in "abc"], within(0.5)
        )
    assert len(set(results)) == 1
    assert failure(results[0]) == (Outcome.NOT_DELIVERED, Fault.UNAVAILABLE, False)


def test_a_batch_cancelled_before_it_was_sent_sends_nothing(
    kafka_broker: Broker, open_batch_sender: Open
) -> None:
    topic = kafka_broker.new_topic()
    attempt = within(10)
    attempt.cancel()
    results = open_batch_sender(kafka_broker, topic).send_batch([serialise(event_of())], attempt)
    assert failure(results[0]) == (Outcome.NOT_DELIVERED, Fault.UNAVAILABLE, False)
    assert ids_in(kafka_broker, topic) == []


def test_an_event_that_a_hanging_broker_left_unanswered_is_unknown_and_arrives_before_later_ones(
    frail_broker: OwnBroker, open_batch_sender: Open
) -> None:
    topic = frail_broker.new_topic()
    batch_sender = open_batch_sender(frail_broker, topic)
    assert batch_sender.send_batch([serialise(event_of(version=1))], within(20)) == [None]
    second, third = (serialise(event_of(version=version)) for version in (2, 3))
    with hanging(frail_broker):
        results = batch_sender.send_batch([second], within(0.5))
    assert failure(results[0]) == (Outcome.UNKNOWN, Fault.UNAVAILABLE, False)
    assert batch_sender.send_batch([second], within(20)) == [None]
    assert batch_sender.send_batch([third], within(20)) == [None]
    versions = [kept.headers["ce_subjectversion"] for kept in frail_broker.messages(topic)]
    assert list(dict.fromkeys(versions)) == [b"1", b"2", b"3"]
