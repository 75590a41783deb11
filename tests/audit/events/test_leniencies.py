"""Leniencies of the SDK: it lets pass, repairs or loses what this service does not.

The first group of tests runs the SDK itself, so that a version of it that has become strict
is noticed: its workaround here can then go.
"""

import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat

from tests.support.audit_client import REQUIRED, Sink, event_text

BINARY = {f"ce-{name}": value for name, value in REQUIRED.items()}
LITERALS = [
    "12345678901234567890123",
    "-12345678901234567890123",
    "0.10",
    "0.1000000000000000055",
    "1e400",
    "1E+2",
    "-0",
    "-0.0",
    "1.0",
]


def sdk(headers: dict[str, str], body: bytes = b"") -> Any:
    return from_http(HTTPMessage(headers=headers, body=body), JSONFormat())


def test_the_sdk_still_invents_what_is_missing() -> None:
    event = sdk({"ce-source": "/s", "ce-type": "t"})
    assert event.get_id()
    assert event.get_specversion() == "1.0"
    assert event.get_time()


def test_the_sdk_still_makes_a_string_of_json_that_is_none() -> None:
    assert sdk({**BINARY, "content-type": "application/json"}, b"{no").get_data() == "{no"


def test_the_sdk_still_loses_nanoseconds() -> None:
    time = sdk({**BINARY, "ce-time": "2026-01-01T00:00:00.123456789Z"}).get_time()
    assert time.microsecond == 123456


def test_the_sdk_still_takes_times_that_are_not_rfc_3339() -> None:
    assert sdk({**BINARY, "ce-time": "20260101T000000Z"}).get_time()


def test_the_sdk_still_makes_one_id_of_two() -> None:
    first, second = sdk({**BINARY, "ce-id": "a%FF"}), sdk({**BINARY, "ce-id": "a%FE"})
    assert first.get_id() == second.get_id()


def test_the_sdk_still_misreads_structured_messages_with_a_stray_header() -> None:
    headers = {"content-type": "application/cloudevents+json", "ce-type": "x", "ce-source": "y"}
    assert sdk(headers, event_text().encode()).get_type() == "x"


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("name", ["id", "specversion"])
def test_what_is_missing_is_not_invented(sink: Sink, mode: str, name: str) -> None:
    send = sink.binary if mode == "binary" else sink.structured
    assert sink.rejected(send({name: None})) == name


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_no_time_is_invented(sink: Sink, mode: str) -> None:
    assert sink.accepted(sink.binary() if mode == "binary" else sink.structured({})) == REQUIRED


@pytest.mark.parametrize(
    "body",
    [
        b"{no",
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"{} {}",
        b"[1,]",
        b"01",
        b".5",
        b"'a'",
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'"\x00"',
        b" ",
    ],
)
@pytest.mark.parametrize("media_type", ["application/json", "a/b+json; charset=utf-8"])
def test_a_body_that_says_json_and_is_none_is_refused(
    sink: Sink, body: bytes, media_type: str
) -> None:
    assert sink.rejected(sink.binary(body=body, content_type=media_type)) == "data"


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("name", ["data", "ext", "id"])
def test_nan_and_infinity_are_no_json(sink: Sink, constant: str, name: str) -> None:
    assert sink.rejected(sink.structured(event_text(f'"{name}":{constant}'))) is None


@pytest.mark.parametrize(
    "time", ["2026-W01", "20260101T000000Z", "2026-01-01", "2026-01-01T00Z", "2026-01-01T24:00:00Z"]
)
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_dates_of_iso_8601_that_rfc_3339_has_not_are_refused(
    sink: Sink, mode: str, time: str
) -> None:
    send = sink.binary if mode == "binary" else sink.structured
    assert sink.rejected(send({"time": time})) == "time"


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize(
    "time",
    ["2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.100+00:00", "0001-01-01t00:00:00z"],
)
def test_time_is_kept_to_its_last_digit(sink: Sink, mode: str, time: str) -> None:
    send = sink.binary if mode == "binary" else sink.structured
    assert sink.accepted(send({"time": time}))["time"] == time


@pytest.mark.parametrize("value", ["%C0%A0", "a%FF", "a%FE"])
def test_invalid_utf_8_is_refused_and_not_repaired(sink: Sink, value: str) -> None:
    assert sink.rejected(sink.binary({"id": value})) == "id"


@pytest.mark.parametrize("version", ["1.1", "2.0", "1.0.2", "0.2", "1", " 1.0", "v1.0"])
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_unknown_specversion_is_not_taken_for_another(
    sink: Sink, mode: str, version: str
) -> None:
    answer = (
        sink.binary({"specversion": version.replace(" ", "%20")})
        if mode == "binary"
        else sink.structured({"specversion": version})
    )
    assert sink.rejected(answer) == "specversion"


@pytest.mark.parametrize("value", [1.0, 1, True, [], {}, ["1.0"]])
def test_specversion_that_is_no_string_is_refused(sink: Sink, value: Any) -> None:
    assert sink.rejected(sink.structured({"specversion": value})) == "specversion"


def test_a_stray_ce_header_makes_no_structured_event_binary(sink: Sink) -> None:
    answer = sink.structured({"id": "inside"}, headers={"ce-id": "stray"})
    assert sink.accepted(answer)["id"] == "inside"


@pytest.mark.parametrize("value", ["a", "e@A==", "eA==!", "eA", "ZZ=Z", "=", "eB=="[:3]])
def test_data_base64_is_validated(sink: Sink, value: str) -> None:
    assert sink.rejected(sink.structured({"data_base64": value})) == "data_base64"


def test_data_and_data_base64_are_not_both_taken(sink: Sink) -> None:
    assert sink.rejected(sink.structured({"data": {}, "data_base64": "e30="})) == "data"


@pytest.mark.parametrize("body", ["[]", "[{}]", "5", "null", "true", '"a"'])
def test_a_body_that_is_no_object_is_refused(sink: Sink, body: str) -> None:
    assert sink.rejected(sink.structured(body)) is None


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ('"id":"2"', "id"),
        (r'"\u0069d":"2"', "id"),
        ('"ext":1,"ext":1', "ext"),
        ('"ext":null,"ext":"a"', "ext"),
        ('"data":1,"data":1', "data"),
    ],
)
def test_duplicate_members_are_refused(sink: Sink, member: str, name: str) -> None:
    assert sink.rejected(sink.structured(event_text(member))) == name


def test_duplicate_members_of_data_are_data(sink: Sink) -> None:
    sink.accepted(sink.structured(event_text('"data":{"a":1,"a":2}')))
    assert '"data":{"a":1,"a":2}' in sink.stored_text()


@pytest.mark.parametrize("literal", LITERALS)
def test_number_literals_are_kept(sink: Sink, literal: str) -> None:
    data = f'{{"n":[{literal}]}}'
    sink.accepted(sink.structured(event_text(f'"data":{data}')))
    assert f'"data":{data}' in sink.stored_text()


@pytest.mark.parametrize("literal", LITERALS)
def test_number_literals_of_a_binary_body_are_kept(sink: Sink, literal: str) -> None:
    sink.accepted(sink.binary(body=literal.encode(), content_type="application/json"))
    assert f'"data":{literal}}}' in sink.stored_text()


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"\udead":"\ud800a"}', r'"\/\u0041\u00e9"'])
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_escapes_of_data_are_kept_unpaired_surrogates_too(sink: Sink, mode: str, text: str) -> None:
    if mode == "binary":
        answer = sink.binary(body=text.encode(), content_type="application/json")
    else:
        answer = sink.structured(event_text(f'"data":{text}'))
    assert answer.status_code == 204
    assert f'"data":{text}' in sink.stored_text()


def test_ce_datacontenttype_is_refused_and_not_overwritten(sink: Sink) -> None:
    answer = sink.binary({"datacontenttype": "text/xml"}, b"<a/>", "text/xml")
    assert sink.rejected(answer) == "datacontenttype"


def test_quoted_header_values_are_unescaped(sink: Sink) -> None:
    assert sink.accepted(sink.binary({"subject": r'"a \"b\" \\"'}))["subject"] == 'a "b" \\'


def test_a_string_of_json_stays_a_string(sink: Sink) -> None:
    inner = json.dumps({"a": 1})
    assert sink.accepted(sink.structured({"data": inner}))["data"] == inner
