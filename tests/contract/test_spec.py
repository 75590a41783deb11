"""CloudEvents 1.0.2, spec.md: the rules about attributes that bind a receiver of events.

An id names the section: `spec-naming-…` is "Attribute Naming Convention".
"""

from typing import Any

import pytest

from tests.support.audit_client import REQUIRED, Sink

each_required = pytest.mark.parametrize("name", REQUIRED)


@each_required
def test_spec_required_absent_in_binary(sink: Sink, name: str) -> None:
    assert sink.rejected(sink.binary({name: None})) == name


@each_required
def test_spec_required_absent_in_json(sink: Sink, name: str) -> None:
    members = ",".join(f'"{n}":"{v}"' for n, v in REQUIRED.items() if n != name)
    assert sink.rejected(sink.structured(f"{{{members}}}")) == name


@each_required
def test_spec_required_null_in_json(sink: Sink, name: str) -> None:
    assert sink.rejected(sink.structured({name: None})) == name


@each_required
def test_spec_required_must_not_be_empty_in_binary(sink: Sink, name: str) -> None:
    assert sink.rejected(sink.binary({name: ""})) == name


@each_required
def test_spec_required_must_not_be_empty_in_json(sink: Sink, name: str) -> None:
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
