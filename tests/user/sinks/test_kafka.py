"""Kafka sink: what a message is like, and that every stored change has one."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from tests.support.kafka import Broker, Kept
from tests.support.user_api import ARTICLE, created, patch, path, post, refused
from tests.user.conftest import MakeApp, Query

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: where the events go is the same to any database."""
    return f"sqlite:///{database_file}"


@pytest.fixture(scope="module")
def topic(kafka_broker: Broker) -> str:
    """A topic for all tests here: each looks for its own users in it."""
    return kafka_broker.new_topic(retention_ms="-1")


@pytest.fixture
def url(kafka_broker: Broker, topic: str) -> str:
    return f"kafka://{kafka_broker.address}/{topic}"


@pytest.fixture
def kafka_client(make_app: MakeApp, url: str) -> FlaskClient:
    """A client of a user service that sends to that topic."""
    return make_app(sink=url, delivery_timeout=10).test_client()


def of_user(broker: Broker, topic: str, user: Any) -> list[Kept]:
    return [kept for kept in broker.messages(topic) if kept.key == user["id"].encode()]


def header(kept: Kept, name: str) -> str:
    value = kept.headers[name]
    assert value is not None
    return value.decode()


# What a message is like


def test_in_binary_mode_attributes_are_headers_and_the_data_is_the_value(
    kafka_client: FlaskClient, kafka_broker: Broker, topic: str
) -> None:
    user = created(kafka_client, {"traceparent": TRACEPARENT})
    (kept,) = of_user(kafka_broker, topic, user)
    headers = dict(kept.headers)
    assert RFC3339.fullmatch(header(kept, "ce_time"))
    assert headers.pop("ce_time")
    assert headers.pop("ce_id")
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_type": b"user.storeUser",
        "ce_source": b"github.com/eminetto/post-cloudevents",
        "ce_subject": user["id"].encode(),
        "ce_partitionkey": user["id"].encode(),
        "ce_subjectversion": b"1",
        "ce_traceparent": TRACEPARENT.encode(),
        "content-type": b"application/json",
    }
    assert kept.value == f'{{"id": "{user["id"]}"}}'.encode()


def test_header_values_are_utf_8_as_they_are(
    make_app: MakeApp, url: str, kafka_broker: Broker, topic: str
) -> None:
    source = "/a%20b?c=%C3%A9"
    app = make_app(sink=url, delivery_timeout=10, event_source=source)
    (kept,) = of_user(kafka_broker, topic, created(app.test_client()))
    assert kept.headers["ce_source"] == source.encode()


def test_in_structured_mode_the_value_is_the_event_in_the_json_format(
    make_app: MakeApp, url: str, kafka_broker: Broker, topic: str
) -> None:
    app = make_app(sink=url, delivery_timeout=10, kafka_mode="structured")
    user = created(app.test_client())
    (kept,) = of_user(kafka_broker, topic, user)
    assert kept.headers == {"content-type": b"application/cloudevents+json"}
    assert kept.value is not None
    event = json.loads(kept.value)
    assert (event["type"], event["subject"]) == ("user.storeUser", user["id"])
    assert (event["partitionkey"], event["data"]) == (user["id"], {"id": user["id"]})


# What is recorded


def test_every_change_of_a_user_has_its_message_in_order_in_one_partition(
    kafka_client: FlaskClient, kafka_broker: Broker, topic: str
) -> None:
    users = [created(kafka_client) for _ in range(5)]
    for name in ("Geezer", "Tony", "Bill"):
        for user in users:
            assert patch(kafka_client, user, name=name).status_code == 200
    for user in users:
        assert kafka_client.delete(path(user)).status_code == 204
    for user in users:
        kept = of_user(kafka_broker, topic, user)
        assert len({one.partition for one in kept}) == 1
        assert [(header(one, "ce_type"), header(one, "ce_subjectversion")) for one in kept] == [
            ("user.storeUser", "1"),
            ("user.updateUser", "2"),
            ("user.updateUser", "3"),
            ("user.updateUser", "4"),
            ("user.deleteUser", "5"),
        ]


def test_a_user_whose_events_come_from_several_processes_has_one_partition(
    make_app: MakeApp, url: str, kafka_broker: Broker, topic: str
) -> None:
    first, second = (make_app(sink=url, delivery_timeout=10).test_client() for _ in range(2))
    user = created(first)
    for client, name in ((second, "Geezer"), (first, "Tony"), (second, "Bill")):
        assert patch(client, user, name=name).status_code == 200
    kept = of_user(kafka_broker, topic, user)
    assert len({one.partition for one in kept}) == 1
    assert [header(one, "ce_subjectversion") for one in kept] == ["1", "2", "3", "4"]


def test_a_message_that_the_broker_refuses_for_its_size_changes_nothing_and_is_named_so(
    make_app: MakeApp, kafka_broker: Broker, query: Query
) -> None:
    small = kafka_broker.new_topic(max_message_bytes="300")
    app = make_app(sink=f"kafka://{kafka_broker.address}/{small}", delivery_timeout=10)
    assert_refused_as_too_large(app.test_client())
    assert query("SELECT * FROM users") == []
    assert kafka_broker.messages(small) == []


def test_a_message_that_is_too_large_to_be_sent_changes_nothing_and_is_named_so(
    make_app: MakeApp, url: str, query: Query
) -> None:
    source = "/" + "x" * 2000
    app = make_app(sink=f"{url}?message.max.bytes=1000", delivery_timeout=10, event_source=source)
    assert_refused_as_too_large(app.test_client())
    assert query("SELECT * FROM users") == []


def assert_refused_as_too_large(client: FlaskClient) -> None:
    with capture_logs() as logged:
        problem = refused(post(client, ARTICLE), 500)
    assert problem["outcome"] == "not-delivered"
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert "Message size too large" in line["reason"]


def test_a_repeat_of_what_was_not_delivered_is_made_and_its_own_repeat_sends_nothing(
    make_app: MakeApp, kafka_broker: Broker, topic: str, url: str, query: Query
) -> None:
    small = kafka_broker.new_topic(max_message_bytes="300")
    key = {"Idempotency-Key": "k"}
    failing = make_app(sink=f"kafka://{kafka_broker.address}/{small}", delivery_timeout=10)
    refused(post(failing.test_client(), ARTICLE, key), 500)
    assert query("SELECT * FROM intents") == []
    client = make_app(sink=url, delivery_timeout=10).test_client()
    user = created(client, key)
    assert created(client, key) == user
    (kept,) = of_user(kafka_broker, topic, user)
    assert header(kept, "ce_id")


# What is said of it


def test_a_topic_in_which_an_event_could_be_lost_is_named_at_start(
    make_app: MakeApp, kafka_broker: Broker
) -> None:
    name = kafka_broker.new_topic(retention_ms="86400000")
    with capture_logs() as logged:
        make_app(sink=f"kafka://{kafka_broker.address}/{name}")
        for looking in threading.enumerate():
            if looking.name == f"look at {name}":  # where it has not ended yet
                looking.join(20)
    lines = [line for line in logged if "could be lost" in line["event"]]
    assert {(line["log_level"], line["topic"]) for line in lines} == {("warning", name)}
    assert any("1 replica" in line["because"] for line in lines)
    assert any("deleted after 1 days" in line["because"] for line in lines)


def test_the_sink_is_reported_by_its_brokers_and_without_its_parameters(
    kafka_broker: Broker, topic: str, make_app: MakeApp
) -> None:
    url = f"kafka://{kafka_broker.address}/{topic}?client.id=s3cret"
    client = make_app(sink=url, delivery_timeout=10).test_client()
    created(client)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["sink"]["url"] == f"kafka://{kafka_broker.address}"
    assert ready.get_json()["sink"]["last_delivery"]["outcome"] == "delivered"
    assert "s3cret" not in ready.text


def test_credentials_that_the_broker_refuses_are_our_fault_and_in_no_line(
    make_app: MakeApp, kafka_broker: Broker, topic: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"kafka://{kafka_broker.address}/{topic}?security.protocol=SASL_PLAINTEXT"
    app = make_app(
        sink=f"{url}&sasl.mechanism=PLAIN&sasl.username=me",
        kafka_password="s3cret-word",
        delivery_timeout=2,
    )
    with capture_logs() as logged:
        answer = post(app.test_client(), ARTICLE)
    assert refused(answer, 500)["outcome"] == "not-delivered"
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert "SASL" in line["reason"]
    assert "s3cret-word" not in repr((logged, answer.data, capfd.readouterr()))
