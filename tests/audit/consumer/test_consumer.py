"""Consumer: each event of a topic is in the log, once, whatever happens meanwhile."""

import json
import re
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import apsw
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from audit_service.events import digest, http_binding
from audit_service.events.content_mode import BATCH, STRUCTURED
from audit_service.log import Origin
from tests.support.audit_client import REQUIRED, open_sink
from tests.support.consumer_process import ConsumerProcess, in_order
from tests.support.kafka import Broker
from tests.support.kafka_topics import Topic, committed, headers_of
from tests.support.waiting import wait_until


@pytest.fixture
def topic(kafka_broker: Broker) -> Topic:
    return Topic(kafka_broker)


def test_messages_older_than_the_group_are_stored_once_with_their_found_lines(
    topic: Topic, tmp_path: Path
) -> None:
    topic.events(range(50))
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_for(50)
        records = consumer.stored()
        assert sorted(int(record.event.id) for record in records) == list(range(50))
        assert [record.position for record in records] == list(range(1, 51))
        line = "Found 7 from /kafka-tests with type test.event and specversion 1.0"
        # It is written a moment after the event.
        wait_until(lambda: consumer.lines(line))
        (found,) = consumer.lines(line)
        assert records[found["position"] - 1].event.id == "7"


def test_an_event_is_the_same_as_over_http_and_its_coordinates_are_beside_it(
    topic: Topic, tmp_path: Path
) -> None:
    headers = headers_of("1", time="2026-01-01T00:00:00.123456789Z", subject="é")
    topic.send(headers, b'{"n": 0.10}', key="some key", partition=2)
    topic.flush()
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_for(1)
        (record,) = consumer.stored()
    over_http = {"content-type": "application/json", "ce-subject": "%C3%A9"}
    for name, value in headers:
        if name.startswith("ce_") and name != "ce_subject":
            over_http[name.replace("_", "-")] = (value or b"").decode()
    assert digest(record.event) == digest(*http_binding.read(over_http, b'{"n": 0.10}'))
    assert record.origin == Origin(topic.name, 2, 0)
    with open_sink(tmp_path) as sink:
        (shown,) = sink.shown()
    assert shown["kafka"] == {"topic": topic.name, "partition": 2, "offset": 0}
    assert shown["event"]["time"] == "2026-01-01T00:00:00.123456789Z"
    assert "partitionkey" not in shown["event"]


def test_the_same_event_twice_is_stored_once_and_another_of_its_id_is_marked(
    topic: Topic, tmp_path: Path
) -> None:
    for value in (b"{}", b"{ }", b"[]"):
        topic.send(headers_of("1"), value, partition=0)
    topic.send(headers_of("last"), None, partition=0)
    topic.flush()
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_for(3)
        found = [(each.event.data, each.conflicts_with) for each in consumer.stored()]
        assert found == [(b"{}", None), (b"[]", 1), (None, None)]


def test_all_three_content_modes_are_read(topic: Topic, tmp_path: Path) -> None:
    events = [{**REQUIRED, "id": f"batched {n}"} for n in range(3)]
    topic.send([("content-type", BATCH.encode())], json.dumps(events).encode(), partition=0)
    one = json.dumps({**REQUIRED, "id": "structured"}).encode()
    topic.send([("content-type", STRUCTURED.encode())], one, partition=0)
    topic.send(headers_of("binary"), None, partition=0)
    topic.flush()
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_for(5)
        expected = ["batched 0", "batched 1", "batched 2", "structured", "binary"]
        assert consumer.ids() == expected
        assert [r.origin.offset for r in consumer.stored() if r.origin] == [0, 0, 0, 1, 2]


def test_the_consumer_stores_in_postgresql_too(
    topic: Topic, tmp_path: Path, postgres_url: str
) -> None:
    topic.events(range(20))
    topic.send((), b"no event")
    topic.flush()
    with ConsumerProcess(tmp_path, topic.url, AUDIT_SERVICE_DATABASE_URL=postgres_url) as consumer:
        consumer.wait_for(20)
        consumer.wait_until(lambda: len(consumer.rejected()) == 1)
        assert sorted(map(int, consumer.ids())) == list(range(20))


def test_sigterm_finishes_and_commits_what_was_fetched(topic: Topic, tmp_path: Path) -> None:
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        topic.events(range(300))
        consumer.wait_for(1)
        assert consumer.terminate(10) == 0
        stored = len(consumer.stored())
        assert sum(max(offset, 0) for offset in committed(topic).values()) == stored
        consumer.start()
        consumer.wait_for(300)
        assert "duplicate" not in {*re.findall(r'outcome="(\w+)"} [1-9]', consumer.metrics())}


def test_a_second_group_begins_at_the_earliest_message_too(topic: Topic, tmp_path: Path) -> None:
    topic.events(range(10))
    (tmp_path / "other").mkdir()
    with ConsumerProcess(tmp_path, topic.url) as first:
        first.wait_for(10)
    with ConsumerProcess(
        tmp_path / "other", topic.url, AUDIT_SERVICE_KAFKA_GROUP=topic.name
    ) as second:
        second.wait_for(10)


def test_readiness_shows_the_lag_by_partition_which_ends_at_zero(
    topic: Topic, tmp_path: Path
) -> None:
    topic.events(range(100))
    zeros = {f"{topic.name}/{number}": 0 for number in range(3)}
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_for(100)
        consumer.wait_until(lambda: consumer.ready()[1]["lag"] == zeros)
        status, shown = consumer.ready()
        checks = {"database": "ok", "broker": "ok", "offsets": "ok"}
        assert (status, shown["checks"]) == (200, checks)
        metrics = consumer.metrics()
    assert "audit_service_consumed_total 100.0" in metrics
    assert 'audit_service_rebalances_total{kind="assigned"} 1.0' in metrics
    assert f'audit_service_consumer_lag{{partition="0",topic="{topic.name}"}} 0.0' in metrics


def test_the_consumer_warns_at_the_start_of_what_could_lose_an_event(
    topic: Topic, tmp_path: Path
) -> None:
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_until(lambda: len(consumer.lines("an acknowledged event could be lost")) == 2)


def test_the_consumer_ends_with_a_line_at_an_option_that_librdkafka_has_not(
    topic: Topic, tmp_path: Path
) -> None:
    consumer = ConsumerProcess(tmp_path, f"{topic.url}?no.such.option=1")
    consumer.launch()
    wait_until(lambda: "no.such.option" in consumer.output(), 60)
    assert consumer.output().count("\n") == 1
    consumer.kill()


def test_an_offset_that_is_gone_stops_its_partition_and_no_other(
    topic: Topic, tmp_path: Path
) -> None:
    def fill(first: int, count: int) -> None:
        for n in range(first, first + count):
            topic.send(headers_of(f"{n}"), partition=n % 3)
        topic.flush()

    fill(0, 30)
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        consumer.wait_for(30)
        assert consumer.terminate() == 0
        fill(30, 30)
        gone = TopicPartition(topic.name, 1, 15)
        admin = AdminClient(dict(topic.broker.client))
        admin.delete_records([gone])[gone].result(20)
        consumer.launch()
        consumer.wait_until(lambda: consumer.ready()[1]["checks"]["offsets"] == "failing")
        assert consumer.ready()[0] == 503
        consumer.wait_for(50)
        fill(60, 30)
        consumer.wait_for(70)
        assert "audit_service_consumer_stopped_partitions 1.0" in consumer.metrics()
        (line,) = consumer.lines("a partition is stopped: messages of it are lost")
        assert (line["level"], line["partition"], line["next_offset"]) == ("error", 1, 10)
        assert {int(each) % 3 for each in consumer.ids() if int(each) >= 30} == {0, 2}


def test_the_consumer_waits_for_a_store_that_is_down_and_goes_on_where_it_was(
    topic: Topic, tmp_path: Path
) -> None:
    settings = {"AUDIT_SERVICE_COMMIT_TIMEOUT": "1"}
    with ConsumerProcess(tmp_path, topic.url, **settings) as consumer:
        topic.events(range(10))
        consumer.wait_for(10)
        lock = apsw.Connection(consumer.database.removeprefix("sqlite:///"))
        lock.execute("BEGIN IMMEDIATE")
        topic.events(range(10, 40))
        consumer.wait_until(lambda: consumer.lines("the event log is unavailable"))
        assert len(consumer.stored()) == 10
        lock.close()
        consumer.wait_for(40)
        assert sorted(map(int, consumer.ids())) == list(range(40))
        in_order(consumer)


def test_the_consumer_stops_without_committing_while_the_store_is_down(
    topic: Topic, tmp_path: Path
) -> None:
    with ConsumerProcess(tmp_path, topic.url) as consumer:
        topic.events(range(10))
        consumer.wait_for(10)
        lock = apsw.Connection(consumer.database.removeprefix("sqlite:///"))
        lock.execute("BEGIN IMMEDIATE")
        topic.events(range(10, 20))
        consumer.wait_until(lambda: consumer.lines("the event log is unavailable"))
        assert consumer.terminate(10) == 0
        lock.close()
        consumer.start()
        consumer.wait_for(20)
        assert sorted(map(int, consumer.ids())) == list(range(20))


def test_three_consumers_that_join_and_leave_lose_double_and_disorder_nothing(
    topic: Topic, tmp_path: Path
) -> None:
    """One stays; two come and go, one of them by SIGKILL, while events are sent."""
    url = f"{topic.url}?session.timeout.ms=6000&heartbeat.interval.ms=1000"
    sent = 0

    def more() -> None:
        nonlocal sent
        topic.events(range(sent, sent + 300))
        sent += 300

    with ExitStack() as running:
        names = ("first", "second", "third")
        first, *others = [
            running.enter_context(ConsumerProcess(tmp_path, url, name)) for name in names
        ]
        more()
        for other in others:
            other.wait_until(partial(other.lines, "partitions were assigned"))
            more()
        others[0].terminate()
        more()
        others[1].kill()
        more()
        others[0].start()
        more()
        first.wait_for(sent, 60)
        others[1].launch()
        more()
        first.wait_for(sent, 60)
        assert sorted(map(int, first.ids())) == list(range(sent))
        in_order(first)
