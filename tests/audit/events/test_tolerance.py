"""Tolerances: each lets in its own deviation, marks the event with it, and nothing else."""

import json
from typing import Any

import pytest

from audit_service.events import Event, EventRejected, JsonText, http_binding, kafka_binding
from audit_service.events.content_mode import BATCH, STRUCTURED
from audit_service.events.tolerance import STRICT, Tolerance
from tests.support.audit_client import REQUIRED
from tests.support.kafka_messages import LIMITS, message

RAW = Tolerance.RAW_HEADER_VALUES
TYPE = Tolerance.DATACONTENTTYPE_HEADER
NAMES = Tolerance.ATTRIBUTE_NAMES
VALUES = Tolerance.ATTRIBUTE_VALUES
SCHEMA = Tolerance.DATASCHEMA
HEADERS = {f"ce-{name}": value for name, value in REQUIRED.items()}


def binary(
    headers: dict[str, str], *tolerances: Tolerance, body: bytes = b"", content_type: str = ""
) -> Event:
    given = {**HEADERS, **headers, "content-type": content_type}
    (event,) = http_binding.read(given, body, tolerate=frozenset(tolerances))
    return event


def structured(members: dict[str, Any], *tolerances: Tolerance) -> Event:
    body = json.dumps({**REQUIRED, **members}).encode()
    headers = {"content-type": STRUCTURED}
    (event,) = http_binding.read(headers, body, tolerate=frozenset(tolerances))
    return event


def sent(text: str) -> str:
    """A text as WSGI hands over the UTF-8 of it."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param("100% of it", "100% of it", id="a lone %"),
        pytest.param("50%2", "50%2", id="half an escape"),
        pytest.param("100% of%20it", "100% of it", id="an escape beside a lone %"),
        pytest.param(sent("Zoë 日本"), "Zoë 日本", id="UTF-8"),
        pytest.param("Zo\xeb", "Zoë", id="ISO 8859-1"),
        pytest.param('5" pipe', '5" pipe', id="a lone quote"),
    ],
)
def test_raw_header_values_are_kept_and_marked(value: str, kept: str) -> None:
    event = binary({"ce-subject": value}, RAW)
    assert (event.attributes["subject"], event.tolerated) == (kept, (RAW,))
    with pytest.raises(EventRejected) as caught:
        binary({"ce-subject": value})
    assert caught.value.attribute == "subject"


@pytest.mark.parametrize("name", ["ce-source", "ce-dataschema"])
def test_a_uri_that_is_one_only_undecoded_is_kept_undecoded(name: str) -> None:
    event = binary({name: "urn:x%20%28y%29"}, RAW)
    assert event.attributes[name.removeprefix("ce-")] == "urn:x%20%28y%29"
    assert event.tolerated == (RAW,)
    with pytest.raises(EventRejected):
        binary({name: "urn:x%20%28y%29"})


def test_a_value_that_decodes_properly_is_decoded_and_not_marked() -> None:
    event = binary({"ce-subject": "Zo%C3%AB%20%25", "ce-source": "/a%2Fb"}, RAW)
    assert (event.attributes["subject"], event.tolerated) == ("Zoë %", ())


@pytest.mark.parametrize("value", ["%FF", "%C0%A0", "a\tb", "%00", "\x85", "%ED%A0%80"])
def test_what_is_no_text_stays_refused(value: str) -> None:
    with pytest.raises(EventRejected) as caught:
        binary({"ce-subject": value}, *Tolerance)
    assert caught.value.attribute == "subject"


@pytest.mark.parametrize("content_type", ["", "application/json", "Application/JSON"])
def test_a_datacontenttype_header_that_agrees_is_let_in(content_type: str) -> None:
    headers = {"ce-datacontenttype": "application/json"}
    event = binary(headers, TYPE, body=b"{}", content_type=content_type)
    assert event.datacontenttype == (content_type or "application/json")
    assert (type(event.data), event.tolerated) == (JsonText, (TYPE,))
    with pytest.raises(EventRejected):
        binary(headers, body=b"{}", content_type=content_type)


def test_a_datacontenttype_header_that_disagrees_is_refused() -> None:
    with pytest.raises(EventRejected) as caught:
        binary({"ce-datacontenttype": "text/xml"}, TYPE, content_type="application/json")
    assert caught.value.attribute == "datacontenttype"


@pytest.mark.parametrize("name", ["methodName", "event_id", "event-id", "iodebeziumtxId"])
def test_attribute_names_of_json_are_kept(name: str) -> None:
    event = structured({name: "x", f"{name}2": None}, NAMES)
    assert (event.attributes[name], event.tolerated) == ("x", (NAMES,))
    with pytest.raises(EventRejected) as caught:
        structured({name: "x"})
    assert caught.value.attribute == name


def test_a_header_has_one_form_of_an_attribute_name() -> None:
    event = binary({"ce-event-id": "x"}, NAMES)
    assert (event.attributes["event_id"], event.tolerated) == ("x", (NAMES,))


@pytest.mark.parametrize("name", ["data", "", "a b", "ä", "a.b", "a$"])
def test_what_can_name_no_attribute_stays_refused(name: str) -> None:
    body = json.dumps({**REQUIRED, "datacontenttype": "text/plain"} | {name: {"a": 1}}).encode()
    with pytest.raises(EventRejected):
        http_binding.read({"content-type": STRUCTURED}, body, tolerate=frozenset(Tolerance))


@pytest.mark.parametrize(
    ("literal", "kept"),
    [
        ('{"id": 1, "of": [0.10]}', '{"id": 1, "of": [0.10]}'),
        ('["a"]', '["a"]'),
        ("0.10", "0.10"),
        ("1789000000000", "1789000000000"),
        ("-2147483649", "-2147483649"),
        ("1e3", "1e3"),
    ],
)
@pytest.mark.parametrize("spaced", [True, False])
def test_attribute_values_are_kept_as_their_json_text(
    literal: str, kept: str, *, spaced: bool
) -> None:
    others = json.dumps(REQUIRED, separators=None if spaced else (",", ":"))
    body = f'{others[:-1]},"auth":{literal}}}'.encode()
    headers = {"content-type": STRUCTURED}
    (event,) = http_binding.read(headers, body, tolerate={VALUES})
    assert (event.attributes["auth"], event.tolerated) == (kept, (VALUES,))
    with pytest.raises(EventRejected):
        http_binding.read(headers, body)


def test_a_core_attribute_is_never_an_object() -> None:
    for name in ("id", "subject", "time", "specversion", "datacontenttype"):
        with pytest.raises(EventRejected):
            structured({name: {"a": 1}}, *Tolerance)


@pytest.mark.parametrize("schema", ["#", "schemas/1", "https://example.com/s#part"])
def test_a_dataschema_that_is_not_absolute_is_kept(schema: str) -> None:
    event = structured({"dataschema": schema}, SCHEMA)
    assert (event.attributes["dataschema"], event.tolerated) == (schema, (SCHEMA,))
    with pytest.raises(EventRejected):
        structured({"dataschema": schema})


def test_a_dataschema_that_is_no_uri_stays_refused() -> None:
    with pytest.raises(EventRejected):
        structured({"dataschema": "no uri"}, *Tolerance)


def test_each_event_of_a_batch_is_marked_by_itself() -> None:
    items = [REQUIRED, {**REQUIRED, "methodName": "x"}]
    headers = {"content-type": BATCH}
    plain, odd = http_binding.read(headers, json.dumps(items).encode(), tolerate={NAMES})
    assert (plain.tolerated, odd.tolerated) == ((), (NAMES,))


def test_a_kafka_header_keeps_the_case_of_its_name() -> None:
    given = message({**REQUIRED, "methodName": "x"})
    (event,) = kafka_binding.read(*given, LIMITS, {NAMES})
    assert (event.attributes["methodName"], event.tolerated) == ("x", (NAMES,))
    with pytest.raises(EventRejected) as caught:
        kafka_binding.read(*given, LIMITS, STRICT)
    assert caught.value.attribute == "methodName"
