"""Messages that are no events: none blocks a partition or is lost, each can be redriven."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit_service.cli import main
from audit_service.events.content_mode import BATCH, STRUCTURED
from tests.support import kafka_odd_headers
from tests.support.audit_client import REQUIRED
from tests.support.consumer_process import ConsumerProcess
from tests.support.kafka import Broker
from tests.support.kafka_topics import Headers, Topic, headers_of

LIMIT = 64 * 1024


def without(name: str) -> list[tuple[str, bytes | None]]:
    return [header for header in headers_of("x") if header[0] != name]


def typed(content_type: str) -> list[tuple[str, bytes | None]]:
    return [*without("content-type"), ("content-type", content_type.encode())]


BAD_BATCH = json.dumps([{**REQUIRED, "id": "of a bad batch"}, {}]).encode()
POISON: dict[str, tuple[Headers, bytes | None]] = {
    "no headers": ((), b"{}"),
    "no value either": ((), None),
    "a null value without ce_ headers": ([("content-type", b"application/json")], None),
    "broken UTF-8": ([*without("ce_id"), ("ce_id", b"\xff\xfe")], b"{}"),
    "a header without a value": ([*without("ce_id"), ("ce_id", None)], b"{}"),
    "wrong JSON": (headers_of("x"), b'{"a":'),
    "wrong JSON of an event": ([("content-type", STRUCTURED.encode())], b"{"),
    "wrong specversion": (headers_of("x", specversion="2.0"), b"{}"),
    "no id": (without("ce_id"), b"{}"),
    "an id twice": ([*headers_of("x"), ("ce_id", b"y")], b"{}"),
    "avro": (typed("application/cloudevents+avro"), b"\x00\x01"),
    "a batch with a bad event": ([("content-type", BATCH.encode())], BAD_BATCH),
    "larger than the limit": (headers_of("x"), b'"' + b"x" * LIMIT + b'"'),
    "deeply nested": (headers_of("x"), b"[" * 30_000),
}
GOOD: dict[str, tuple[Headers, bytes | None]] = {
    "a null value with ce_ headers": (headers_of("null"), None),
    "data of an unheard-of media type": (typed("application/x-of-tomorrow"), b"\x00\xff"),
}


@pytest.fixture
def topic(kafka_broker: Broker) -> Topic:
    return Topic(kafka_broker)


def command(consumer: ConsumerProcess, *arguments: str) -> Result:
    environment = {"AUDIT_SERVICE_DATABASE_URL": consumer.database}
    return CliRunner().invoke(main, ["rejected", *arguments], env=environment)


def listed(consumer: ConsumerProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command(consumer, "list", "--json").stdout)
    return found


def test_poison_of_every_kind_among_a_thousand_good_ones(topic: Topic, tmp_path: Path) -> None:
    poison = list(POISON.values())
    good = list(GOOD.values())
    for n in range(1000 - len(good)):
        topic.event(str(n), key=str(n % 10))
        if n % 50 == 0 and n // 50 < len(poison):
            topic.send(*poison[n // 50], partition=n // 50 % 3)
    for each in good:
        topic.send(*each)
    topic.flush()
    # Last, so that the code that meets it is warm.
    kafka_odd_headers.send(topic.broker.address, topic.name, b"ce_\xff", b"an odd name")
    limit: dict[str, Any] = {"AUDIT_SERVICE_MAX_EVENT_BYTES": LIMIT}
    with ConsumerProcess(tmp_path, topic.url, **limit) as consumer:
        consumer.wait_until(lambda: set(consumer.ready()[1]["lag"].values()) == {0})
        ids = consumer.ids()
        assert len(ids) == len(set(ids)) == 1000
        assert {"null", "x"} <= set(ids)
        kept = consumer.rejected()
        assert len(kept) == len(poison) + 1
        shown = [(list(message.headers), message.value) for message in kept]
        assert all((list(headers), value) in shown for headers, value in poison)
        assert all(message.reason for message in kept)
        lines = consumer.lines("a message was rejected")
        assert len(lines) == len(kept)
        assert consumer.ready()[0] == 200


def test_a_message_is_kept_once_however_often_it_is_read(topic: Topic, tmp_path: Path) -> None:
    topic.send(*POISON["no id"])
    topic.flush()
    for group in ("one", "two"):
        with ConsumerProcess(
            tmp_path, topic.url, AUDIT_SERVICE_KAFKA_GROUP=topic.name + group
        ) as each:
            each.wait_until(lambda: each.lines("a message was rejected"))
            assert len(each.rejected()) == 1
            (tmp_path / "consumer.log").unlink()


@pytest.fixture
def consumer(topic: Topic, tmp_path: Path) -> ConsumerProcess:
    """A consumer that has rejected two messages and ended; one is larger than its limit."""
    topic.send(*POISON["larger than the limit"], key="k", partition=0)
    topic.send(*POISON["broken UTF-8"], partition=0)
    topic.flush()
    limit: dict[str, Any] = {"AUDIT_SERVICE_MAX_EVENT_BYTES": LIMIT}
    with ConsumerProcess(tmp_path, topic.url, **limit) as consumer:
        consumer.wait_until(lambda: len(consumer.rejected()) == 2)
        assert consumer.terminate() == 0
    return consumer


def test_the_command_lists_shows_and_drops_rejected_messages(
    consumer: ConsumerProcess, topic: Topic
) -> None:
    table = command(consumer, "list").stdout.splitlines()
    assert table[0].split() == ["id", "received_at", "from", "reason"]
    assert f"{topic.name}/0@1" in table[2]
    first, second = listed(consumer)
    assert first["kafka"] == {"topic": topic.name, "partition": 0, "offset": 0}
    assert first["key"] == "k"
    assert {"name": "ce_id", "value": {"base64": "//4="}} in second["headers"]
    assert "ce_id" in command(consumer, "show", str(second["id"])).stdout
    shown = command(consumer, "show", str(second["id"]), "--json").stdout
    assert json.loads(shown) == second
    assert command(consumer, "show", "999").exit_code == 1
    assert command(consumer, "drop", str(second["id"])).exit_code == 2
    assert command(consumer, "drop", "--yes").exit_code == 2
    assert command(consumer, "drop", "--yes", str(second["id"])).exit_code == 0
    assert [each["id"] for each in listed(consumer)] == [first["id"]]


def test_a_redrive_stores_what_is_an_event_now_and_keeps_the_rest(
    consumer: ConsumerProcess, topic: Topic
) -> None:
    first, second = listed(consumer)
    done = command(consumer, "redrive", "--all")
    assert done.exit_code == 1
    assert f"{second['id']}: still rejected: id: is not UTF-8" in done.stderr
    assert f"{first['id']}: 1 stored" in done.stdout
    assert [each["id"] for each in listed(consumer)] == [second["id"]]
    (record,) = consumer.stored()
    assert record.event.id == "x"
    assert record.origin is not None
    assert (record.origin.topic, record.origin.offset) == (topic.name, 0)


def test_the_command_names_a_database_that_cannot_be_used_in_a_line(tmp_path: Path) -> None:
    nowhere = {"AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/none.db"}
    ended = CliRunner().invoke(main, ["rejected", "list"], env=nowhere)
    assert ended.exit_code == 69
    assert ended.stderr.startswith("audit-service: ")
