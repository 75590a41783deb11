"""A topic by its URL, and what of its configuration could lose a message."""

from dataclasses import replace

import pytest

from service_kit.kafka import topic_url
from service_kit.kafka.topic_url import TopicConfig
from service_kit.settings.redaction import redact

SAFE = TopicConfig(
    replicas=3,
    min_insync=2,
    retention_ms=-1,
    retention_bytes=-1,
    compacted=False,
    unclean_election=False,
)


@pytest.mark.parametrize(
    ("url", "servers", "topic"),
    [
        ("kafka://127.0.0.1:9092/audit", "127.0.0.1:9092", "audit"),
        ("kafka://a/audit", "a:9092", "audit"),
        ("kafka://a:1,b,c:3/x.y_z-0", "a:1,b:9092,c:3", "x.y_z-0"),
        ("kafka://[::1]:9092,[::2]/t", "[::1]:9092,[::2]:9092", "t"),
        ("KAFKA://Host:9092/T", "Host:9092", "T"),
    ],
)
def test_a_url_names_servers_and_a_topic(url: str, servers: str, topic: str) -> None:
    parsed = topic_url.parse(url)
    assert (parsed.servers, parsed.topic, parsed.options) == (servers, topic, {})


def test_parameters_are_options_of_librdkafka() -> None:
    parsed = topic_url.parse(
        "kafka://a/t?security.protocol=SASL_SSL&sasl.username=m%26e&ssl.ca.pem="
    )
    assert parsed.client({"sasl.password": "s3cret", "ssl.key.password": ""}) == {
        "bootstrap.servers": "a:9092",
        "security.protocol": "SASL_SSL",
        "sasl.username": "m&e",
        "ssl.ca.pem": "",
        "sasl.password": "s3cret",
    }


def test_options_are_not_shown() -> None:
    assert "s3cret" not in repr(topic_url.parse("kafka://a/t?sasl.password=s3cret"))


@pytest.mark.parametrize(
    "name", ["sasl.password", "ssl.key.password", "sasl.oauthbearer.client.secret", "ssl.key.pem"]
)
def test_a_secret_in_a_url_is_masked(name: str) -> None:
    assert redact(f"kafka://a/t?x=y&{name}=s3cret&a=b") == f"kafka://a/t?x=y&{name}=***&a=b"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "audit",
        "http://a/t",
        "kafka:///t",
        "kafka://a",
        "kafka://a/",
        "kafka://a/t/u",
        "kafka://a/t#u",
        "kafka://a,/t",
        "kafka://a:0/t",
        "kafka://a:65536/t",
        "kafka://a:x/t",
        "kafka://me:s3cret@a/t",
        "kafka://a b/t",
        "kafka://a/.",
        "kafka://a/..",
        "kafka://a/t%20",
        "kafka://a/" + "t" * 250,
        "kafka://a/t?x",
        "kafka://a/t?x=1&x=2",
        "kafka://a/t?X=1",
        "kafka://a/t?bootstrap.servers=b",
        "kafka://a/t?enable.auto.commit=true",
        "kafka://a/t?acks=0",
    ],
)
def test_what_is_no_such_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has|may)") as caught:
        topic_url.parse(url)
    assert "s3cret" not in str(caught.value)


def test_a_topic_that_keeps_everything_on_several_brokers_has_no_weakness() -> None:
    assert topic_url.durability_risks(SAFE) == []


@pytest.mark.parametrize(
    ("weak", "named"),
    [
        (replace(SAFE, replicas=1, min_insync=1), "1 replica"),
        (replace(SAFE, min_insync=1), "min.insync.replicas is 1"),
        (replace(SAFE, retention_ms=604800000), "deleted after 7 days"),
        (replace(SAFE, retention_bytes=1), "retention.bytes is 1"),
        (replace(SAFE, compacted=True), "cleanup.policy"),
        (replace(SAFE, unclean_election=True), "unclean.leader.election"),
    ],
)
def test_what_could_lose_an_acknowledged_message_is_named(weak: TopicConfig, named: str) -> None:
    (sentence,) = topic_url.durability_risks(weak)
    assert named in sentence
