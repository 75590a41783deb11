"""Kafka Protocol Binding 1.0.2: the rules that bind a receiver, by section; batches beside it.

The last group runs the SDK itself, so that a version of it that has become strict is noticed.
"""

import json
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat

from audit_service.events import (
    BatchRejected,
    Event,
    EventRejected,
    JsonText,
    TooManyEvents,
    UnsupportedFormat,
    kafka_binding,
)
from audit_service.events.content_mode import BATCH, STRUCTURED
from audit_service.events.limits import Limits
from tests.support.audit_client import REQUIRED
from tests.support.kafka_messages import LIMITS, Message, message

TIGHT = Limits(event_bytes=100, batch_bytes=200, batch_events=1)
TEXT = json.dumps({**REQUIRED, "id": "structured"}).encode()


def read(given: Message) -> Event:
    (event,) = kafka_binding.read(*given, LIMITS)
    return event


def sdk(headers: dict[str, bytes], key: bytes | None = None) -> Any:
    given = {f"ce_{name}": value.encode() for name, value in REQUIRED.items()}
    return from_kafka(KafkaMessage({**given, **headers}, key, b""), JSONFormat())


def refused(given: Message) -> str | None:
    with pytest.raises(EventRejected) as caught:
        kafka_binding.read(*given, LIMITS)
    return caught.value.attribute


@pytest.mark.parametrize(
    ("content_type", "event_id"),
    [
        pytest.param("application/json", "1", id="kafka-3-otherwise-binary"),
        pytest.param("text/cloudevents+json", "1", id="kafka-3-not-the-prefix"),
        pytest.param(None, "1", id="kafka-3-no-content-type"),
        pytest.param(STRUCTURED, "structured", id="kafka-3-structured"),
        pytest.param(f"{STRUCTURED}; charset=UTF-8", "structured", id="kafka-3.3.1-charset"),
        pytest.param("Application/CloudEvents+JSON", "structured", id="kafka-3-in-any-case"),
    ],
)
def test_kafka_3_mode_by_content_type(content_type: str | None, event_id: str) -> None:
    assert read(message(REQUIRED, content_type, TEXT)).id == event_id


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("application/cloudevents+avro", id="kafka-3-format-not-handled"),
        pytest.param("application/cloudevents-batch+avro", id="kafka-3-batch-not-handled"),
        pytest.param("application/cloudevents", id="kafka-3-no-format"),
        pytest.param(f"{STRUCTURED}; charset=utf-16", id="kafka-3.3.1-charset-not-handled"),
    ],
)
def test_kafka_3_format_that_is_not_handled(content_type: str) -> None:
    with pytest.raises(UnsupportedFormat):
        kafka_binding.read(*message(REQUIRED, content_type, TEXT), LIMITS)


@pytest.mark.parametrize("value", [TEXT, b"", None, b"anything"])
@pytest.mark.parametrize("content_type", [None, "application/json", "a/b"])
def test_kafka_3_a_message_without_ce_headers_is_no_event(
    content_type: str | None, value: bytes | None
) -> None:
    assert refused(message({}, content_type, value)) is None


@pytest.mark.parametrize("key", ["key", "partitionkey"])
def test_kafka_3_1_a_key_is_no_attribute(key: str) -> None:
    """`read` gets no key; only what the sender set as an attribute is one."""
    assert dict(read(message(REQUIRED)).attributes) == REQUIRED
    given = {**REQUIRED, "partitionkey": key}
    assert dict(read(message(given)).attributes) == given


def test_kafka_3_2_1_content_type_is_datacontenttype() -> None:
    content_type = 'Text/Plain; charset="utf-8"; x=y'
    event = read(message(REQUIRED, content_type, b"hi"))
    assert dict(event.attributes) == {**REQUIRED, "datacontenttype": content_type}


@pytest.mark.parametrize("content_type", [None, "", "a/b", "A/B"])
def test_kafka_3_2_3_datacontenttype_may_have_a_ce_header(content_type: str | None) -> None:
    event = read(message({**REQUIRED, "datacontenttype": "a/b"}, content_type))
    assert event.datacontenttype == (content_type or "a/b")


def test_kafka_3_2_1_two_media_types_are_refused() -> None:
    given = message({**REQUIRED, "datacontenttype": "a/b"}, "text/plain")
    assert refused(given) == "datacontenttype"


def test_an_empty_content_type_is_none() -> None:
    assert "datacontenttype" not in read(message(REQUIRED, "")).attributes


@pytest.mark.parametrize("content_type", ["no media type", "a/b; charset"])
def test_kafka_3_2_1_content_type_is_a_media_type(content_type: str) -> None:
    assert refused(message(REQUIRED, content_type)) == "datacontenttype"


@pytest.mark.parametrize("content_type", ["application/x-of-tomorrow", "a/b; c=d", "chemical/x"])
def test_kafka_3_2_2_value_is_the_data_byte_for_byte(content_type: str) -> None:
    data = bytes(range(256)) * 2
    event = read(message(REQUIRED, content_type, data))
    assert (event.data, type(event.data)) == (data, bytes)


def test_kafka_3_2_2_json_is_kept_as_it_is_written() -> None:
    data = b' {"n": 0.10, "m": 12345678901234567890123}'
    event = read(message(REQUIRED, "application/json", data))
    assert (event.data, type(event.data)) == (JsonText(data), JsonText)


def test_kafka_3_2_2_json_that_is_none_is_refused() -> None:
    assert refused(message(REQUIRED, "application/json", b"{no")) == "data"


@pytest.mark.parametrize("value", [None, b""])
@pytest.mark.parametrize("content_type", [None, "application/json"])
def test_kafka_3_2_2_no_value_is_no_data(content_type: str | None, value: bytes | None) -> None:
    assert read(message(REQUIRED, content_type, value)).data is None


def test_kafka_3_2_3_each_ce_header_is_an_attribute_in_utf_8() -> None:
    given = {**REQUIRED, "id": "é%20 \U0001f600", "subject": '"a" %C3', "ext": "", "n": "5"}
    headers, _ = message(given)
    event = read(([("other", b"\xff"), ("other", None), *headers], None))
    assert dict(event.attributes) == given


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00.123456789Z", "0001-01-01t00:00:00z"])
def test_kafka_3_2_3_time_is_kept_to_its_last_digit(time: str) -> None:
    assert read(message({**REQUIRED, "time": time})).attributes["time"] == time


@pytest.mark.parametrize("name", ["id", "subject", "time", "ext"])
@pytest.mark.parametrize("value", [b"a\xff", b"\xc0\xa0", b"\xed\xa0\x80", None, b"a\x00", b"\x7f"])
def test_kafka_3_2_3_a_value_is_a_string_in_utf_8(name: str, value: bytes | None) -> None:
    assert refused(message({**REQUIRED, name: value})) == name


@pytest.mark.parametrize("value", [b"a/b\xff", None])
def test_kafka_3_2_3_content_type_is_a_string_in_utf_8(value: bytes | None) -> None:
    headers, _ = message(REQUIRED)
    assert refused(([*headers, ("content-type", value)], None)) == "datacontenttype"


@pytest.mark.parametrize(
    ("again", "attribute"),
    [
        (("ce_id", b"1"), "id"),
        (("ce_time", b"2026-01-01T00:00:00Z"), "time"),
        (("content-type", b"a/b"), "datacontenttype"),
        (("Content-Type", b"a/b"), "datacontenttype"),
    ],
)
def test_kafka_3_2_3_no_header_is_there_twice(
    again: tuple[str, bytes | None], attribute: str
) -> None:
    headers, value = message({**REQUIRED, "time": "2026-01-01T00:00:00Z"}, "a/b")
    assert refused(([*headers, again], value)) == attribute


@pytest.mark.parametrize("name", ["Id", "x_y", "é", "data", ""])
def test_kafka_3_2_3_a_header_names_an_attribute(name: str) -> None:
    headers, value = message(REQUIRED)
    with pytest.raises(EventRejected):
        kafka_binding.read([*headers, (f"ce_{name}", b"x")], value, LIMITS)


def test_kafka_3_2_3_a_prefix_in_another_case_is_refused_and_not_passed_over() -> None:
    headers, value = message(REQUIRED)
    with pytest.raises(EventRejected):
        kafka_binding.read([*headers, ("CE_subject", b"x")], value, LIMITS)


@pytest.mark.parametrize("name", REQUIRED)
def test_spec_required_attributes_are_not_invented(name: str) -> None:
    given = {each: value for each, value in REQUIRED.items() if each != name}
    assert refused(message(given)) == name


@pytest.mark.parametrize("name", ["time", "subject", "specversion"])
def test_spec_one_attribute_alone_is_no_event(name: str) -> None:
    for content_type in (None, "application/json"):
        assert refused(message({name: "1.0"}, content_type, TEXT)) == "id"


@pytest.mark.parametrize("version", ["1.1", "2.0", "1", ""])
def test_spec_an_unknown_specversion_is_not_taken_for_another(version: str) -> None:
    assert refused(message({**REQUIRED, "specversion": version})) == "specversion"


@pytest.mark.parametrize("value", [None, b"", b"{no", b"[]", b"\xff"])
def test_kafka_3_3_2_a_structured_value_is_an_event(value: bytes | None) -> None:
    assert refused(message(REQUIRED, STRUCTURED, value)) is None


def test_kafka_3_3_3_ce_headers_beside_a_structured_event_are_copies_at_best() -> None:
    assert read(message({"id": b"\xff", "X": "y"}, STRUCTURED, TEXT)).id == "structured"


def test_batch_events_are_read_in_their_order() -> None:
    text = json.dumps([{**REQUIRED, "id": str(n)} for n in range(5)]).encode()
    events = kafka_binding.read(*message({}, BATCH, text), LIMITS)
    assert [event.id for event in events] == ["0", "1", "2", "3", "4"]


def test_batch_with_one_bad_event_is_refused_whole() -> None:
    text = json.dumps([REQUIRED, {**REQUIRED, "id": ""}]).encode()
    with pytest.raises(BatchRejected) as caught:
        kafka_binding.read(*message({}, BATCH, text), LIMITS)
    assert list(caught.value.items) == [1]


def test_batch_may_be_empty() -> None:
    assert kafka_binding.read(*message({}, BATCH, b"[]"), LIMITS) == []


def test_batch_has_a_value() -> None:
    assert refused(message({}, BATCH, None)) is None


@pytest.mark.parametrize(
    ("content_type", "longest"), [("a/b", 100), (STRUCTURED, 100), (BATCH, 200)]
)
def test_limits_refuse_a_longer_value(content_type: str, longest: int) -> None:
    with pytest.raises(EventRejected, match=f"longer than {longest} bytes"):
        kafka_binding.read(*message(REQUIRED, content_type, b" " * (longest + 1)), TIGHT)


def test_limits_let_the_longest_value_in() -> None:
    (event,) = kafka_binding.read(*message(REQUIRED, "a/b", b"x" * 100), TIGHT)
    assert event.data == b"x" * 100


def test_limits_refuse_a_batch_of_more_events() -> None:
    text = json.dumps([REQUIRED, REQUIRED]).encode()
    with pytest.raises(TooManyEvents):
        kafka_binding.read(*message({}, BATCH, text), TIGHT)


def test_the_sdk_still_makes_an_attribute_of_a_key() -> None:
    assert sdk({}, b"key").get_extension("partitionkey") == "key"


def test_the_sdk_still_loses_nanoseconds() -> None:
    time = sdk({"ce_time": b"2026-01-01T00:00:00.123456789Z"}).get_time()
    assert time.microsecond == 123456


def test_the_sdk_still_takes_names_in_any_case() -> None:
    assert sdk({"CE_SUBJECT": b"x"}).get_subject() == "x"
