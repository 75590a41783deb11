"""An event is equal whatever its mode; what makes no difference, and what does."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from audit_service.events import Event, content_mode, digest, http_binding
from audit_service.events.digest import canonical_form
from tests.support.audit_client import REQUIRED, event_text

JSON = "application/json"


def binary(
    attributes: Mapping[str, str] | None = None, body: bytes = b"", content_type: str = ""
) -> Event:
    given = {**REQUIRED, **(attributes or {})}
    headers = {f"ce-{name}": value for name, value in given.items()}
    (event,) = http_binding.read({**headers, "content-type": content_type}, body)
    return event


def structured(event: Mapping[str, Any] | str) -> Event:
    text = event if isinstance(event, str) else json.dumps({**REQUIRED, **event})
    (read,) = http_binding.read({"content-type": content_mode.STRUCTURED}, text.encode())
    return read


def batched(event: Mapping[str, Any]) -> Event:
    text = json.dumps([{**REQUIRED, **event}])
    (read,) = http_binding.read({"content-type": content_mode.BATCH}, text.encode())
    return read


def with_data(text: str) -> Event:
    return structured(event_text(f'"data":{text}'))


def same(first: Event, second: Event) -> bool:
    return digest(first) == digest(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(binary(), structured({}), id="no-data"),
        pytest.param(
            binary({"ext": "5", "flag": "true", "off": "false"}),
            structured({"ext": 5, "flag": True, "off": False}),
            id="typed-extensions",
        ),
        pytest.param(structured({"ext": 5}), structured({"ext": "5"}), id="integer-and-string"),
        pytest.param(
            binary({"subject": "%E2%82%AC"}), structured({"subject": "€"}), id="percent-encoding"
        ),
        pytest.param(
            binary(body=b'{"a":1}', content_type=JSON),
            structured({"data": {"a": 1}}),
            id="implied-datacontenttype",
        ),
        pytest.param(
            structured({"data": {"a": 1}, "datacontenttype": JSON}),
            structured({"data": {"a": 1}}),
            id="implied-datacontenttype-in-json",
        ),
        pytest.param(
            binary(body=b"hi", content_type="text/plain"),
            structured({"datacontenttype": "text/plain", "data": "hi"}),
            id="text",
        ),
        pytest.param(
            structured({"datacontenttype": "text/plain", "data_base64": "aGk="}),
            structured({"datacontenttype": "text/plain", "data": "hi"}),
            id="base64-and-text",
        ),
        pytest.param(
            structured({"datacontenttype": JSON, "data_base64": "eyJhIjoxfQ=="}),
            structured({"data": {"a": 1}}),
            id="base64-and-json",
        ),
        pytest.param(binary(body=b"\x00\xff"), structured({"data_base64": "AP8="}), id="bytes"),
        pytest.param(
            binary(content_type="text/plain"),
            structured({"datacontenttype": "text/plain", "data": ""}),
            id="an-empty-body-is-no-data",
        ),
        pytest.param(structured({"data_base64": ""}), structured({}), id="empty-base64-is-no-data"),
        pytest.param(
            structured({"subject": None, "ext": None}), structured({}), id="null-is-unset"
        ),
        pytest.param(
            structured({"specversion": "0.3", "datacontentencoding": "base64", "data": "AP8="}),
            binary({"specversion": "0.3"}, b"\x00\xff"),
            id="base64-of-0.3",
        ),
        pytest.param(batched({"data": [1]}), structured({"data": [1]}), id="batched"),
        pytest.param(
            binary(content_type=JSON), structured({}), id="no-data-with-and-without-a-json-type"
        ),
        pytest.param(
            binary(body=b"{}", content_type="application/json; charset=utf-8"),
            binary(body=b"{}", content_type=JSON),
            id="json-is-utf-8",
        ),
        pytest.param(
            binary(body=b"{}", content_type='application/vnd.x+json;v=1;Charset="UTF-8"'),
            binary(body=b"{}", content_type="application/vnd.x+json;v=1"),
            id="json-is-utf-8-beside-another-parameter",
        ),
        pytest.param(
            structured({"data_base64": "eyJhIjoxfQ=="}),
            structured({"data": {"a": 1}}),
            id="base64-of-json-without-a-media-type",
        ),
        pytest.param(binary(body=b'{"a":1}'), structured({"data": {"a": 1}}), id="json-untyped"),
        pytest.param(
            structured({"datacontenttype": "text/plain", "data": None}),
            structured({"datacontenttype": "text/plain"}),
            id="null-of-a-type-that-is-not-json-is-no-data",
        ),
    ],
)
def test_the_same_event_in_two_forms_has_one_digest(one: Event, other: Event) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    "other",
    [
        "2026-11-26T09:53:45.42836Z",
        "2026-11-26T09:53:45.4283600000Z",
        "2026-11-26t09:53:45.428360z",
        "2026-11-26T09:53:45.428360+00:00",
        "2026-11-26T10:53:45.42836+01:00",
        "2026-11-25T19:53:45.42836-14:00",
    ],
)
def test_time_is_an_instant(other: str) -> None:
    one = structured({"time": "2026-11-26T09:53:45.428360Z"})
    assert same(one, structured({"time": other}))
    assert same(one, binary({"time": other}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-26T09:53:45.4283601Z", "2026-11-26T09:53:45.42836Z"),
        ("2026-11-26T09:53:45.123456789012Z", "2026-11-26T09:53:45.123456789013Z"),
        ("2026-11-26T09:53:45Z", "2026-11-26T09:53:45+01:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z"),
    ],
)
def test_times_that_are_other_instants_differ(one: str, other: str) -> None:
    assert not same(structured({"time": one}), structured({"time": other}))


def test_a_leap_second_is_itself_in_every_zone() -> None:
    one = structured({"time": "2016-12-31T23:59:60.5Z"})
    assert same(one, structured({"time": "2017-01-01T00:59:60.50+01:00"}))


@pytest.mark.parametrize(
    "text",
    [
        ' { "b" : [ 2 , 3 ] , "a" : "é/" } ',
        '{"a":"é/","b":[2,3]}',
        r'{"\u0061":"\u00e9\/","b":[2,3]}',
        '{"b":\n\t[2,\r3],"a":"é/"}',
    ],
)
def test_spelling_of_json_makes_no_difference(text: str) -> None:
    assert same(with_data(text), with_data('{"b":[2,3],"a":"é/"}'))
    assert same(binary(body=text.encode(), content_type=JSON), with_data(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.1", "0.10"),
        ("1", "1.0"),
        ("1e2", "100"),
        ("-0", "0"),
        ("12345678901234567890123", "12345678901234567890124"),
        ("1", '"1"'),
        ("true", '"true"'),
        ("null", '"null"'),
        ("null", "false"),
        ("[]", "{}"),
        ("[]", "[[]]"),
        ("[1,2]", "[2,1]"),
        ("[1,2]", "[12]"),
        ('["a","b"]', '["a,b"]'),
        ('["a\\",\\"b"]', '["a","b"]'),
        ('{"a":1,"b":2}', '{"a":2,"b":1}'),
        ('{"a":1,"a":2}', '{"a":2,"a":1}'),
        ('{"a":1}', '{"A":1}'),
        (r'"\ud800"', r'"\ud801"'),
        (r'"\ud800"', r'"\ufffd"'),
        ('"é"', '"e\u0301"'),
    ],
)
def test_json_that_differs_has_another_digest(one: str, other: str) -> None:
    assert not same(with_data(one), with_data(other))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "2"},
        {"source": "/t"},
        {"type": "u"},
        {"specversion": "0.3"},
        {"subject": "s"},
        {"subject": "s "},
        {"time": "2026-01-01T00:00:00Z"},
        {"time": "2026-01-01T00:00:00.0Z"},
        {"datacontenttype": "text/plain"},
        {"ext": ""},
        {"ext": "a"},
        {"ext": "1 time 1 2"},
        {"ext1": "a"},
        {"extt": "a"},
        {"datacontentencoding": "base64"},
        {"data": {}},
        {"data": None},
        {"data": ""},
        {"data_base64": "e30="},
        {"data_base64": "e30=", "datacontenttype": "text/plain"},
    ],
    ids=str,
)
def test_whatever_else_differs_gives_another_digest(change: dict[str, Any]) -> None:
    others: list[dict[str, Any]] = [{}, {"ext": "b"}, {"data": []}, {"data_base64": "AA=="}]
    assert not any(same(structured(change), structured(other)) for other in others)


def test_identity_is_of_source_and_id_alone() -> None:
    one = digest(structured({"data": 1, "type": "t"}))
    other = digest(structured({"data": 2, "type": "u", "ext": 5}))
    assert one.identity == other.identity
    assert one.content != other.content


def test_identity_does_not_confuse_where_source_ends() -> None:
    one = digest(structured({"source": "/a", "id": "bc"}))
    assert one.identity != digest(structured({"source": "/ab", "id": "c"})).identity


@pytest.mark.parametrize(
    ("event_id", "prefix"),
    [
        ("01a2b3c4-d5e6-7f00-8000-000000000000", b"01a2b3c4-d5e"),
        ("12345€", b"12345\xe2\x82\xac"),
        ("1234567890€", b"1234567890\xe2\x82"),
    ],
)
def test_an_identity_begins_with_the_ids_first_bytes_so_that_ids_in_order_are_neighbours(
    event_id: str, prefix: bytes
) -> None:
    identity = digest(structured({"id": event_id})).identity
    assert (identity[:-16], len(identity) - len(prefix)) == (prefix, 16)


def test_the_canonical_form_is_as_documented_for_stored_digests_were_made_of_it() -> None:
    event = structured({"subject": "é", "ext": True, "data": {"b": [1, None, {}], "a": "x"}})
    form = (
        "cloudevent 2\n"
        "datacontenttype 16 application/json\n"
        "ext 4 true\n"
        "id 1 1\n"
        "source 2 /s\n"
        "specversion 3 1.0\n"
        "subject 2 é\n"
        "type 1 t\n"
        'json 25 {"a":"x","b":[1,null,{}]}'
    ).encode()
    assert canonical_form(event) == form
    assert digest(event).content == hashlib.sha256(form).digest()
    assert digest(event).identity == b"1" + hashlib.sha256(b"source 2 /s\nid 1 1\n").digest()[:16]
    assert canonical_form(binary(body=b"\x00\xff")).endswith(b"type 1 t\nbytes 2 \x00\xff")
    assert canonical_form(binary()).endswith(b"type 1 t\n")
