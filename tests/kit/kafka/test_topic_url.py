"""A topic by its URL, with options of librdkafka."""

import pytest

from service_kit.kafka import topic_url
from service_kit.settings.redaction import redact


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
def test_a_url_of_no_topic_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has|may)") as caught:
        topic_url.parse(url)
    assert "s3cret" not in str(caught.value)
