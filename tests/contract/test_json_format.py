"""JSON Event Format 1.0.2: the rules that bind a receiver, by section."""

import base64
import json
from typing import Any

import pytest

from tests.support.audit_client import REQUIRED, Sink, event_text


def test_json_2_extensions_are_top_level_members(sink: Sink) -> None:
    assert sink.rejected(sink.structured({"extensions": {"ext": "x"}})) == "extensions"


@pytest.mark.parametrize("name", ["subject", "time", "dataschema", "datacontenttype", "ext"])
def test_json_2_2_null_must_be_treated_as_unset(sink: Sink, name: str) -> None:
    assert sink.accepted(sink.structured({name: None})) == REQUIRED


@pytest.mark.parametrize("literal", ["5.0", "5e0", "5E+0", "-1.0", "0.0"])
def test_json_2_2_only_the_integer_component_is_permitted(sink: Sink, literal: str) -> None:
    assert sink.rejected(sink.structured(event_text(f'"ext":{literal}'))) == "ext"


@pytest.mark.parametrize("value", [-5, 0, 2147483647, True, False, "5", "true", "€ 😀"])
def test_json_2_2_types_are_mapped(sink: Sink, value: Any) -> None:
    kept = sink.accepted(sink.structured({"ext": value}))["ext"]
    assert (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="json-3-empty"),
        pytest.param(b"[]", id="json-3-array"),
        pytest.param(b"5", id="json-3-number"),
        pytest.param(b'"{}"', id="json-3-string"),
        pytest.param(b"null", id="json-3-null"),
        pytest.param(b"{", id="json-3-cut-short"),
        pytest.param(event_text().encode() + b"x", id="json-3-goes-on"),
        pytest.param(event_text().replace('"', "'").encode(), id="json-3-single-quotes"),
        pytest.param(event_text()[:-1].encode() + b",}", id="json-3-trailing-comma"),
        pytest.param(event_text('"ext":"\n"').encode(), id="json-3-raw-control-character"),
        pytest.param(event_text('"ext":"\\x"').encode(), id="json-3-no-such-escape"),
        pytest.param(event_text('"ext":05').encode(), id="json-3-leading-zero"),
        pytest.param(event_text('"ext":"é"').encode("latin-1"), id="json-3-not-utf-8"),
        pytest.param(event_text().encode("utf-16"), id="json-3-utf-16"),
    ],
)
def test_json_3_an_event_is_a_json_object(sink: Sink, body: bytes) -> None:
    assert sink.rejected(sink.structured(body)) is None


def test_json_3_whitespace_and_escapes_are_insignificant(sink: Sink) -> None:
    spaced = json.dumps({**REQUIRED, "ext": "é/😀", "data": {"a": 1}}, indent="\r\t ")
    escaped = spaced.replace('"id"', r'"\u0069d"').replace("/", r"\/")
    event = sink.accepted(sink.structured(f"\n {escaped}\t "))
    assert event == {**REQUIRED, "ext": "é/😀", "data": {"a": 1}}


@pytest.mark.parametrize("media_type", [None, "application/json", "text/plain", "a/b"])
def test_json_3_1_1_data_and_data_base64_exclude_each_other(
    sink: Sink, media_type: str | None
) -> None:
    event = {"datacontenttype": media_type, "data": "x", "data_base64": "eA=="}
    assert sink.rejected(sink.structured(event)) == "data"


@pytest.mark.parametrize("value", ["null", "0", '"text"', "true", "[]", "{}", '{"a":[null]}'])
@pytest.mark.parametrize(
    "media_type",
    [
        pytest.param(None, id="json-3.1.2-no-datacontenttype-is-as-json"),
        pytest.param("application/json", id="json-3.1.2-json"),
        pytest.param("Text/JSON; charset=utf-8", id="json-3.1.2-subtype-json"),
        pytest.param("application/vnd.a+json", id="json-3.1.2-json-suffix"),
    ],
)
def test_json_3_1_2_data_is_any_json_value(sink: Sink, media_type: str | None, value: str) -> None:
    members = [f'"data":{value}']
    if media_type is not None:
        members.append(f'"datacontenttype":"{media_type}"')
    event = sink.accepted(sink.structured(event_text(*members)))
    assert event["data"] == json.loads(value)
    assert event.get("datacontenttype") == media_type


def test_json_3_1_1_null_is_distinct_from_absence(sink: Sink) -> None:
    assert sink.batch([{"id": "null", "data": None}, {"id": "absent"}]).status_code == 204
    explicit, absent = sink.stored()
    assert "data" in explicit
    assert "data" not in absent


@pytest.mark.parametrize("text", ["{}", '{"a":1}', "null", "5", '"x"'])
def test_json_3_1_2_a_string_must_not_be_deserialized_further(sink: Sink, text: str) -> None:
    event = sink.accepted(sink.structured({"data": text, "datacontenttype": "application/json"}))
    assert event["data"] == text


@pytest.mark.parametrize(
    ("media_type", "text"),
    [
        pytest.param("text/plain", "a\nb", id="json-3.1.2-text"),
        pytest.param("application/xml", '<much wow="xml"/>', id="json-3.1.2-xml"),
        pytest.param("text/jsonp", "a()", id="json-3.1.2-subtype-that-begins-with-json"),
    ],
)
def test_json_3_1_2_data_of_other_types_is_an_encoded_string(
    sink: Sink, media_type: str, text: str
) -> None:
    event = sink.accepted(sink.structured({"datacontenttype": media_type, "data": text}))
    assert event["data"] == text


def test_json_3_1_2_text_of_another_charset_is_shown_as_its_bytes(sink: Sink) -> None:
    given = {"datacontenttype": "text/plain; charset=latin1", "data": "é"}
    event = sink.accepted(sink.structured(given))
    assert (event["data_base64"], "data" in event) == ("6Q==", False)


def test_json_3_1_2_null_of_another_type_is_no_data(sink: Sink) -> None:
    event = sink.accepted(sink.structured({"datacontenttype": "text/plain", "data": None}))
    assert "data" not in event
    assert "data_base64" not in event


@pytest.mark.parametrize("body", ["hi".encode("utf-16"), b"\xfe\xff\x00h\x00i", b"\xfe\xff"])
def test_json_3_1_1_text_that_another_encoder_would_write_otherwise_is_kept_as_bytes(
    sink: Sink, body: bytes
) -> None:
    event = sink.accepted(sink.binary(body=body, content_type="text/plain; charset=utf-16"))
    shown = event["data"].encode("utf-16") if "data" in event else None
    assert shown == body or base64.b64decode(event["data_base64"]) == body


@pytest.mark.parametrize(
    ("media_type", "value"),
    [
        pytest.param("text/plain", {}, id="json-3.1.2-object-as-text"),
        pytest.param("application/xml", 5, id="json-3.1.2-number-as-xml"),
        pytest.param("text/plain", "\ud800", id="json-3.1.2-not-encodable"),
        pytest.param("text/plain; charset=latin1", "€", id="json-3.1.2-not-in-its-charset"),
        pytest.param("text/plain; charset=no-such", "a", id="json-3.1.2-unknown-charset"),
        pytest.param("text/plain; charset=punycode", "a", id="json-3.1.2-no-charset-at-all"),
    ],
)
def test_json_3_1_2_data_that_cannot_be_interpreted(
    sink: Sink, media_type: str, value: Any
) -> None:
    event = {"datacontenttype": media_type, "data": value}
    assert sink.rejected(sink.structured(event)) == "data"


@pytest.mark.parametrize("media_type", [None, "application/octet-stream", "a/b"])
def test_json_3_1_2_data_base64_must_be_decoded(sink: Sink, media_type: str | None) -> None:
    data = bytes(range(256))
    event = {"datacontenttype": media_type, "data_base64": base64.b64encode(data).decode()}
    assert base64.b64decode(sink.accepted(sink.structured(event))["data_base64"]) == data


@pytest.mark.parametrize(
    ("media_type", "data", "shown"),
    [("text/plain", b"hi", "hi"), ("application/json", b'{"a":1}', {"a": 1})],
)
def test_json_3_1_2_data_base64_may_be_interpreted(
    sink: Sink, media_type: str, data: bytes, shown: Any
) -> None:
    event = {"datacontenttype": media_type, "data_base64": base64.b64encode(data).decode()}
    assert sink.accepted(sink.structured(event))["data"] == shown


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("eA=", id="json-3.1.2-base64-padding-short"),
        pytest.param("eA", id="json-3.1.2-base64-no-padding"),
        pytest.param("eA===", id="json-3.1.2-base64-padding-long"),
        pytest.param("e A==", id="json-3.1.2-base64-space"),
        pytest.param("eA==\n", id="json-3.1.2-base64-line-end"),
        pytest.param("-_8=", id="json-3.1.2-base64-url-alphabet"),
        pytest.param("é", id="json-3.1.2-base64-not-ascii"),
        pytest.param("eA==eA==", id="json-3.1.2-base64-goes-on"),
        pytest.param(5, id="json-3.1.2-base64-number"),
        pytest.param({}, id="json-3.1.2-base64-object"),
    ],
)
def test_json_3_1_2_data_base64_must_be_base64(sink: Sink, value: Any) -> None:
    assert sink.rejected(sink.structured({"data_base64": value})) == "data_base64"


EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "type": "com.example.someevent",
    "source": "/mycontext",
    "id": "1234-1234-1234",
    "time": "2018-04-05T17:31:00Z",
    "comexampleextension1": "value",
    "comexampleothervalue": 5,
}
JSON_DATA = {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(
            {"datacontenttype": "application/vnd.apache.thrift.binary", "data_base64": "gIGC"},
            id="json-3.2-binary-data",
        ),
        pytest.param(
            {"datacontenttype": "application/xml", "data": '<much wow="xml"/>'},
            id="json-3.2-xml-data",
        ),
        pytest.param(
            {"datacontenttype": "application/json", "data": JSON_DATA}, id="json-3.2-json"
        ),
        pytest.param({"data": "I'm just a string"}, id="json-3.2-string"),
    ],
)
def test_json_3_2_examples(sink: Sink, members: dict[str, Any]) -> None:
    event = EXAMPLE | members
    stored = sink.accepted(sink.structured({**event, "unsetextension": None, "subject": None}))
    assert stored == event


def test_json_4_a_batch_is_an_array_of_events(sink: Sink) -> None:
    events = [{**EXAMPLE, "id": f"B{n}", "data": {"n": n}} for n in range(3)]
    assert sink.batch(events).status_code == 204
    assert sink.stored() == events


@pytest.mark.parametrize("text", ["{}", "5", "null", "", "[", "[{},]", "[]x", event_text()])
def test_json_4_1_what_is_no_array_is_no_batch(sink: Sink, text: str) -> None:
    assert sink.rejected(sink.batch(text)) is None


@pytest.mark.parametrize("element", ["5", "null", "[]", '"{}"', "{}"])
def test_json_4_1_elements_are_events_of_the_json_format(sink: Sink, element: str) -> None:
    answer = sink.batch(f"[{event_text()},{element}]")
    assert answer.status_code == 400
    assert answer.json is not None
    assert [error["index"] for error in answer.json["errors"]] == [1]
    assert sink.stored() == []


@pytest.mark.parametrize("text", ["[]", " [ \n] "])
def test_json_4_3_a_batch_may_be_empty(sink: Sink, text: str) -> None:
    assert sink.batch(text).status_code == 204
