"""CloudEvents 1.0.2, spec.md, "Type System": the values that an attribute may have.

An id names the section: `spec-type-system-string-…` is "Type System", String.
"""

from urllib.parse import quote

import pytest

from tests.support.audit_client import Sink, event_text

CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
NONCHARACTERS = [
    0xFDD0,
    0xFDEF,
    *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)),
]
NEIGHBOURS = [0x20, 0x7E, 0xA0, 0xD7FF, 0xE000, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0x1FFFD, 0x10FFFD]


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
