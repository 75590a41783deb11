"""CloudEvents 1.0.2, spec.md: the rules that bind whoever receives an event.

An id names the section: `spec-type-system-string-…` is "Type System", String.
"""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.audit_client import REQUIRED, Sink, event_text

CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
NONCHARACTERS = [
    0xFDD0,
    0xFDEF,
    *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)),
]
NEIGHBOURS = [0x20, 0x7E, 0xA0, 0xD7FF, 0xE000, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0x1FFFD, 0x10FFFD]


@pytest.mark.parametrize("name", REQUIRED)
class TestRequiredAttributes:
    """ "REQUIRED Attributes"."""

    def test_spec_required_absent_in_binary(self, sink: Sink, name: str) -> None:
        assert sink.rejected(sink.binary({name: None})) == name

    def test_spec_required_absent_in_json(self, sink: Sink, name: str) -> None:
        members = ",".join(f'"{n}":"{v}"' for n, v in REQUIRED.items() if n != name)
        assert sink.rejected(sink.structured(f"{{{members}}}")) == name

    def test_spec_required_null_in_json(self, sink: Sink, name: str) -> None:
        assert sink.rejected(sink.structured({name: None})) == name

    def test_spec_required_must_not_be_empty_in_binary(self, sink: Sink, name: str) -> None:
        assert sink.rejected(sink.binary({name: ""})) == name

    def test_spec_required_must_not_be_empty_in_json(self, sink: Sink, name: str) -> None:
        assert sink.rejected(sink.structured({name: ""})) == name


@pytest.mark.parametrize("name", ["datacontenttype", "dataschema", "subject", "time"])
def test_spec_optional_if_present_must_not_be_empty(sink: Sink, name: str) -> None:
    assert sink.rejected(sink.structured({name: ""})) == name


def test_spec_optional_may_all_be_absent(sink: Sink) -> None:
    assert sink.accepted(sink.structured({})) == REQUIRED


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="spec-naming-one-letter"),
        pytest.param("7", id="spec-naming-a-digit"),
        pytest.param("comexampleextension1", id="spec-naming-20-characters"),
        pytest.param("a" * 60, id="spec-naming-should-not-exceed-20-is-no-must"),
    ],
)
def test_spec_naming_takes(sink: Sink, name: str) -> None:
    assert sink.accepted(sink.structured({name: "x"}))[name] == "x"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("Extension", "Extension", id="spec-naming-upper-case"),
        pytest.param("ID", "ID", id="spec-naming-upper-case-of-a-known-name"),
        pytest.param("my_ext", "my_ext", id="spec-naming-underscore"),
        pytest.param("my-ext", "my-ext", id="spec-naming-hyphen"),
        pytest.param("my.ext", "my.ext", id="spec-naming-dot"),
        pytest.param("my ext", "my ext", id="spec-naming-space"),
        pytest.param("é", None, id="spec-naming-beyond-ascii"),
        pytest.param("٣", None, id="spec-naming-digit-beyond-ascii"),
        pytest.param("", "", id="spec-naming-empty"),
    ],
)
@pytest.mark.parametrize("value", ["x", None, 1.5])
def test_spec_naming_refuses(sink: Sink, name: str, shown: str | None, value: Any) -> None:
    assert sink.rejected(sink.structured({name: value})) == shown


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(True, id="spec-type-system-boolean-true"),
        pytest.param(False, id="spec-type-system-boolean-false"),
        pytest.param(0, id="spec-type-system-integer-zero"),
        pytest.param(2147483647, id="spec-type-system-integer-greatest"),
        pytest.param(-2147483648, id="spec-type-system-integer-least"),
        pytest.param("", id="spec-type-system-string-empty-extension"),
        pytest.param("Zm9v", id="spec-type-system-binary-as-base64"),
        pytest.param("\U00010ead", id="spec-type-system-string-surrogate-pair"),
        *[
            pytest.param(chr(code), id=f"spec-type-system-string-U+{code:04X}")
            for code in NEIGHBOURS
        ],
    ],
)
def test_spec_type_system_takes(sink: Sink, value: str | int) -> None:
    kept = sink.accepted(sink.structured({"ext": value}))["ext"]
    assert (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    "literal",
    [
        pytest.param("2147483648", id="spec-type-system-integer-too-great"),
        pytest.param("-2147483649", id="spec-type-system-integer-too-small"),
        pytest.param("99999999999999999999", id="spec-type-system-integer-beyond-64-bits"),
        pytest.param("1.5", id="spec-type-system-no-fractions"),
        pytest.param("{}", id="spec-type-system-no-objects"),
        pytest.param('["a"]', id="spec-type-system-no-arrays"),
        pytest.param(r'"\uDEAD"', id="spec-type-system-string-unpaired-low-surrogate"),
        pytest.param(r'"\uD800"', id="spec-type-system-string-unpaired-high-surrogate"),
        pytest.param(r'"\uDEAD\uD800"', id="spec-type-system-string-surrogates-in-wrong-order"),
    ],
)
def test_spec_type_system_refuses(sink: Sink, literal: str) -> None:
    assert sink.rejected(sink.structured(event_text(f'"ext":{literal}'))) == "ext"


@pytest.mark.parametrize("mode", ["binary", "json"])
@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(CONTROLS, id="spec-type-system-string-control-characters"),
        pytest.param(NONCHARACTERS, id="spec-type-system-string-noncharacters"),
    ],
)
@pytest.mark.parametrize("name", ["id", "subject", "ext"])
def test_spec_type_system_string_disallows(
    sink: Sink, mode: str, codes: list[int], name: str
) -> None:
    for code in codes:
        text = f"a{chr(code)}b"
        if mode == "binary":
            answer = sink.binary({name: quote(text)})
        else:
            answer = sink.structured({name: text})
        assert answer.status_code == 400, f"U+{code:04X}"
        assert answer.json
        assert answer.json["attribute"] == name
    assert sink.stored() == []


@pytest.mark.parametrize(
    "source",
    [
        "https://github.com/cloudevents",
        "mailto:cncf-wg-serverless@lists.cncf.io",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "/cloudevents/spec/pull/123",
        "/sensors/tn-1234567/alerts",
        "1-555-123-4567",
        "http://[2001:db8::7]:8080/a?b=c#d",
        "//host",
        "?q",
        "#f",
        "%C3%A4",
    ],
)
def test_spec_type_system_uri_reference_takes(sink: Sink, source: str) -> None:
    assert sink.accepted(sink.structured({"source": source}))["source"] == source


@pytest.mark.parametrize(
    "source",
    [
        "/a b",
        "/ä",
        "/%zz",
        "/%4",
        "1:2",
        "http://[::1",
        "http://a:b/",
        "a\\b",
        "<a>",
        '"',
        "/a|b",
        "{}",
    ],
)
@pytest.mark.parametrize("mode", ["binary", "json"])
def test_spec_type_system_uri_reference_refuses(sink: Sink, source: str, mode: str) -> None:
    encoded = quote(source, safe="")
    binary = mode == "binary"
    answer = sink.binary({"source": encoded}) if binary else sink.structured({"source": source})
    assert sink.rejected(answer) == "source"


@pytest.mark.parametrize("uri", ["http://a.example/b?c", "urn:a:b", "a+b.c-1:"])
def test_spec_type_system_uri_takes(sink: Sink, uri: str) -> None:
    assert sink.accepted(sink.structured({"dataschema": uri}))["dataschema"] == uri


@pytest.mark.parametrize(
    "uri", ["/b", "//a.example", "b", "#c", "http://a.example/#c", "1:b", "a: b"]
)
def test_spec_type_system_uri_must_be_absolute(sink: Sink, uri: str) -> None:
    assert sink.rejected(sink.structured({"dataschema": uri})) == "dataschema"


@pytest.mark.parametrize(
    "time",
    [
        "2018-04-05T17:31:00Z",
        "2018-04-05T17:31:00.123456789Z",
        "2018-04-05T17:31:00+05:30",
        "2018-04-05T17:31:00.0-00:00",
        "2018-04-05t17:31:00z",
        "2024-02-29T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
    ],
)
def test_spec_time_rfc_3339_takes(sink: Sink, time: str) -> None:
    assert sink.accepted(sink.structured({"time": time}))["time"] == time


@pytest.mark.parametrize(
    "time",
    [
        "2018-04-05",
        "2018-04-05T17:31:00",
        "2018-04-05T17:31Z",
        "2018-04-05 17:31:00Z",
        "2018-4-5T17:31:00Z",
        "2018-13-05T17:31:00Z",
        "2018-00-05T17:31:00Z",
        "2018-02-29T17:31:00Z",
        "2018-04-31T17:31:00Z",
        "2018-04-00T17:31:00Z",
        "2018-04-05T24:00:00Z",
        "2018-04-05T17:60:00Z",
        "2018-04-05T17:31:61Z",
        "2018-04-05T17:31:00,5Z",
        "2018-04-05T17:31:00.Z",
        "2018-04-05T17:31:00+0530",
        "2018-04-05T17:31:00+24:00",
        "2018-04-05T17:31:00+01:60",
        "+2018-04-05T17:31:00Z",
        "\uff12018-04-05T17:31:00Z",
        "1522949460",
        "Thu, 05 Apr 2018 17:31:00 GMT",
    ],
)
@pytest.mark.parametrize("mode", ["binary", "json"])
def test_spec_time_rfc_3339_refuses(sink: Sink, time: str, mode: str) -> None:
    binary = mode == "binary"
    answer = sink.binary({"time": quote(time)}) if binary else sink.structured({"time": time})
    assert sink.rejected(answer) == "time"


@pytest.mark.parametrize(
    "media_type",
    ["text/xml", "application/json; charset=UTF-8", 'a/b;c="d;e \\" f"', "a/vnd.b+c", "A/B ; c=d"],
)
@pytest.mark.parametrize("mode", ["binary", "json"])
def test_spec_datacontenttype_rfc_2046_takes(sink: Sink, media_type: str, mode: str) -> None:
    binary = mode == "binary"
    answer = (
        sink.binary(content_type=media_type)
        if binary
        else sink.structured({"datacontenttype": media_type})
    )
    assert sink.accepted(answer)["datacontenttype"] == media_type


@pytest.mark.parametrize(
    "media_type",
    ["text", "text/", "/xml", "text/x ml", "a/b;c", "a/b;c=", 'a/b;c="d', "a/b/c", "é/b"],
)
@pytest.mark.parametrize("mode", ["binary", "json"])
def test_spec_datacontenttype_rfc_2046_refuses(sink: Sink, media_type: str, mode: str) -> None:
    binary = mode == "binary"
    answer = (
        sink.binary(content_type=media_type, body=b"{}")
        if binary
        else sink.structured({"datacontenttype": media_type, "data": {}})
    )
    assert sink.rejected(answer) == "datacontenttype"


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion", "subject", "time"])
@pytest.mark.parametrize("value", [1, True, [], {}, 1.0])
def test_spec_string_typed_attributes_must_be_strings(sink: Sink, name: str, value: Any) -> None:
    assert sink.rejected(sink.structured({name: value})) == name


def test_spec_extensions_may_be_any_number(sink: Sink) -> None:
    extensions = {f"ext{n}": str(n) for n in range(200)}
    assert sink.accepted(sink.structured(extensions)) == {**REQUIRED, **extensions}


@pytest.mark.parametrize("name", ["datacontentencoding", "schemaurl", "partitionkey"])
def test_spec_extensions_other_versions_names_are_ordinary(sink: Sink, name: str) -> None:
    event = {name: "base64", "data": {"a": 1}}
    assert sink.accepted(sink.structured(event)) == {**REQUIRED, **event}


def test_spec_size_limits_64_kib_in_binary(sink: Sink) -> None:
    event = sink.accepted(sink.binary({"ext": "e" * 32768}, b"d" * 32768, "text/plain"))
    assert (len(event["ext"]), len(event["data"])) == (32768, 32768)


def test_spec_size_limits_64_kib_in_json(sink: Sink) -> None:
    event = sink.accepted(sink.structured({"ext": "e" * 32768, "data": "d" * 32768}))
    assert (len(event["ext"]), len(event["data"])) == (32768, 32768)
