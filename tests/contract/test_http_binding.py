"""HTTP Protocol Binding 1.0.2: the rules that bind a receiver, by section."""

import base64
import json
from typing import Any

import pytest

from tests.support.audit_client import REQUIRED, Sink

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"


@pytest.mark.parametrize(
    ("content_type", "stored"),
    [
        pytest.param("application/json", "binary", id="http-3-otherwise-binary"),
        pytest.param("text/cloudevents+json", "binary", id="http-3-not-the-prefix"),
        pytest.param(None, "binary", id="http-3-no-content-type"),
        pytest.param(STRUCTURED, "structured", id="http-3-structured"),
        pytest.param(f"{STRUCTURED}; charset=UTF-8", "structured", id="http-3.2.1-charset"),
        pytest.param(f'{STRUCTURED};charset="utf-8"', "structured", id="http-3.2.1-quoted-charset"),
        pytest.param("Application/CloudEvents+JSON", "structured", id="http-3-in-any-case"),
    ],
)
def test_http_3_mode_by_content_type(sink: Sink, content_type: str | None, stored: str) -> None:
    body = json.dumps({**REQUIRED, "id": "structured"}).encode()
    headers = {f"ce-{name}": value for name, value in {**REQUIRED, "id": "binary"}.items()}
    assert sink.accepted(sink.post(body, content_type, headers))["id"] == stored


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("application/cloudevents+avro", id="http-3-format-not-handled"),
        pytest.param("application/cloudevents-batch+avro", id="http-3-batch-format-not-handled"),
        pytest.param("application/cloudevents", id="http-3-no-format"),
        pytest.param(f"{STRUCTURED}; charset=utf-16", id="http-3.2.1-charset-not-handled"),
    ],
)
def test_http_3_format_that_is_not_handled(sink: Sink, content_type: str) -> None:
    assert sink.binary(content_type=content_type).status_code == 415
    assert sink.stored() == []


def test_http_3_1_1_content_type_is_datacontenttype(sink: Sink) -> None:
    content_type = 'Text/Plain; charset="utf-8"; x=y'
    event = sink.accepted(sink.binary(body=b"hi", content_type=content_type))
    assert event == {**REQUIRED, "datacontenttype": content_type, "data": "hi"}


def test_http_3_1_1_no_content_type_is_no_datacontenttype(sink: Sink) -> None:
    event = sink.accepted(sink.binary(body=b"hi"))
    assert event == {**REQUIRED, "data_base64": base64.b64encode(b"hi").decode()}


@pytest.mark.parametrize("content_type", [None, "text/xml", "application/json"])
def test_http_3_1_1_ce_datacontenttype_must_not_be_present(
    sink: Sink, content_type: str | None
) -> None:
    answer = sink.binary({"datacontenttype": "text/xml"}, content_type=content_type)
    assert sink.rejected(answer) == "datacontenttype"


def test_http_3_1_2_body_is_the_data_byte_for_byte(sink: Sink) -> None:
    body = bytes(range(256)) * 2
    event = sink.accepted(sink.binary(body=body, content_type="application/octet-stream"))
    assert base64.b64decode(event["data_base64"]) == body


def test_http_3_1_2_no_body_is_no_data(sink: Sink) -> None:
    event = sink.accepted(sink.binary(content_type="application/json"))
    assert event == {**REQUIRED, "datacontenttype": "application/json"}


def test_http_3_1_3_each_ce_header_is_an_attribute(sink: Sink) -> None:
    attributes = {"subject": "s", "time": "2018-04-05T03:56:24Z", "dataschema": "a:b", "ext": "5"}
    assert sink.accepted(sink.binary(attributes)) == {**REQUIRED, **attributes}


def test_http_3_1_3_other_headers_are_no_attributes(sink: Sink) -> None:
    headers = {"traceparent": "00-1", "x-ce-foo": "1", "cefoo": "1"}
    assert sink.accepted(sink.binary(headers=headers)) == REQUIRED


@pytest.mark.parametrize("prefix", ["ce-", "CE-", "Ce-", "cE-"])
def test_http_3_1_3_1_header_names_in_any_case(sink: Sink, prefix: str) -> None:
    headers = {f"{prefix}{name.title()}": value for name, value in REQUIRED.items()}
    assert sink.accepted(sink.post(b"", None, {**headers, f"{prefix}MyExt": "A"})) == {
        **REQUIRED,
        "myext": "A",
    }


@pytest.mark.parametrize("name", ["my-ext", "data", "data-base64", "ext.1", "ext~", ""])
def test_http_3_1_3_1_header_names_are_attribute_names(sink: Sink, name: str) -> None:
    assert sink.rejected(sink.binary({name: "x"})) == name


@pytest.mark.parametrize(
    ("header", "value"),
    [
        pytest.param("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀", id="http-3.1.3.2-example"),
        pytest.param("%e2%82%ac", "€", id="http-3.1.3.2-lower-case-hexadecimal"),
        pytest.param("%41%7E", "A~", id="http-3.1.3.2-unnecessarily-encoded"),
        pytest.param("%2541", "%41", id="http-3.1.3.2-a-single-round"),
        pytest.param("a b", "a b", id="http-3.1.3.2-space-not-encoded"),
        pytest.param("a+b", "a+b", id="http-3.1.3.2-plus-is-no-space"),
        pytest.param("a,b;c=(d)", "a,b;c=(d)", id="http-3.1.3.2-no-comments-no-lists"),
        pytest.param('"a b"', "a b", id="http-3.1.3.2-quoted"),
        pytest.param(r'"a\"b\\c\d"', r'a"b\cd', id="http-3.1.3.2-backslash-in-quotes"),
        pytest.param(r"a\b", r"a\b", id="http-3.1.3.2-backslash-outside-of-quotes"),
        pytest.param('"a%20b"', "a b", id="http-3.1.3.2-unquoted-then-decoded"),
        pytest.param('"%22"', '"', id="http-3.1.3.2-decoded-quote-is-no-delimiter"),
        pytest.param(r'"\%41"', "A", id="http-3.1.3.2-unescaped-before-decoded"),
        pytest.param('a"b c"d', "ab cd", id="http-3.1.3.2-quoted-in-part"),
        pytest.param('"%2541"', "%41", id="http-3.1.3.2-a-single-round-in-quotes"),
        pytest.param('""', "", id="http-3.1.3.2-quoted-empty"),
        pytest.param("", "", id="http-3.1.3.2-empty"),
    ],
)
def test_http_3_1_3_2_header_values(sink: Sink, header: str, value: str) -> None:
    assert sink.accepted(sink.binary({"ext": header}))["ext"] == value


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        pytest.param("id", '"a\\"b"', 'a"b', id="http-3.1.3.2-id"),
        pytest.param(
            "source", '"/s%C3%A4"'.replace("%", "%25"), "/s%C3%A4", id="http-3.1.3.2-source"
        ),
        pytest.param("specversion", '"%31.0"', "1.0", id="http-3.1.3.2-specversion"),
        pytest.param("type", "%74", "t", id="http-3.1.3.2-type"),
        pytest.param(
            "time", '"2018-04-05T03%3A56:24Z"', "2018-04-05T03:56:24Z", id="http-3.1.3.2-time"
        ),
    ],
)
def test_http_3_1_3_2_every_attribute_is_decoded(
    sink: Sink, name: str, header: str, value: str
) -> None:
    assert sink.accepted(sink.binary({name: header}))[name] == value


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("%C0%A0", id="http-3.1.3.2-overlong"),
        pytest.param("%C0%AF", id="http-3.1.3.2-overlong-slash"),
        pytest.param("a%FF", id="http-3.1.3.2-no-such-byte"),
        pytest.param("%E2%82", id="http-3.1.3.2-cut-short"),
        pytest.param("%ED%A0%80", id="http-3.1.3.2-surrogate"),
        pytest.param("%F4%90%80%80", id="http-3.1.3.2-beyond-unicode"),
        pytest.param('"%C0%A0"', id="http-3.1.3.2-overlong-in-quotes"),
        pytest.param("%", id="http-3.1.3.2-percent-alone"),
        pytest.param("%4", id="http-3.1.3.2-percent-one-digit"),
        pytest.param("%zz", id="http-3.1.3.2-percent-no-digits"),
        pytest.param('"a', id="http-3.1.3.2-quote-not-closed"),
        pytest.param('"a\\"', id="http-3.1.3.2-closing-quote-escaped"),
        pytest.param('a"', id="http-3.1.3.2-quote-not-opened"),
        pytest.param("é", id="http-3.1.3.2-not-ascii"),
        pytest.param("a\tb", id="http-3.1.3.2-not-printable"),
        pytest.param("%0A", id="http-3.1.3.2-decodes-to-a-line-end"),
        pytest.param("%00", id="http-3.1.3.2-decodes-to-nul"),
    ],
)
@pytest.mark.parametrize("name", ["id", "ext", "time"])
def test_http_3_1_3_2_header_values_refused(sink: Sink, name: str, header: str) -> None:
    assert sink.rejected(sink.binary({name: header})) == name


def test_http_3_2_3_the_payload_decides_where_headers_are_there_too(sink: Sink) -> None:
    headers = {"ce-id": "other", "ce-ext": "x", "ce-bad-name": "%C0%A0"}
    assert sink.accepted(sink.structured({}, headers=headers)) == REQUIRED


def test_http_3_2_3_attributes_must_be_in_the_payload(sink: Sink) -> None:
    headers = {f"ce-{name}": value for name, value in REQUIRED.items()}
    assert sink.rejected(sink.structured("{}", headers=headers)) == "id"


@pytest.mark.parametrize("content_type", [BATCH, f"{BATCH}; charset=UTF-8", BATCH.upper()])
def test_http_3_3_1_content_type_of_a_batch(sink: Sink, content_type: str) -> None:
    answer = sink.batch([{"id": "a"}, {"id": "b"}], content_type)
    assert answer.status_code == 204
    assert [event["id"] for event in sink.stored()] == ["a", "b"]


def test_http_3_3_2_a_batch_may_be_empty(sink: Sink) -> None:
    assert sink.batch([]).status_code == 204
    assert sink.stored() == []


@pytest.mark.parametrize(
    ("versions", "wrong"), [(["1.0", "0.3"], [1]), (["0.3", "0.3", "1.0", "1.0"], [2, 3])]
)
def test_http_3_3_2_all_of_a_batch_must_have_the_same_specversion(
    sink: Sink, versions: list[str], wrong: list[int]
) -> None:
    answer = sink.batch([{"id": str(i), "specversion": v} for i, v in enumerate(versions)])
    assert answer.status_code == 400
    assert answer.json is not None
    found = [(error["index"], error["attribute"]) for error in answer.json["errors"]]
    assert found == [(index, "specversion") for index in wrong]
    assert sink.stored() == []


def test_http_3_3_2_other_attributes_may_differ(sink: Sink) -> None:
    events: list[dict[str, Any]] = [
        {"id": "a", "datacontenttype": "text/xml", "data": "<a/>"},
        {"id": "b", "source": "/other", "type": "u", "ext": 5, "data": {"a": 1}},
    ]
    assert sink.batch(events).status_code == 204
    assert sink.stored() == [{**REQUIRED, **event} for event in events]


@pytest.mark.parametrize("headers", [{}, {"ce-id": "x"}])
def test_http_3_what_lacks_the_mandatory_headers_is_no_event(
    sink: Sink, headers: dict[str, str]
) -> None:
    assert sink.rejected(sink.post(b"{}", "application/json", headers)) in {"id", "source"}
