"""Specversion 0.3, which the SDK reads, too."""

import base64
from typing import Any

import pytest

from tests.support.audit_client import REQUIRED, Sink


def v03(sink: Sink, **members: Any) -> dict[str, Any]:
    return sink.accepted(sink.structured({"specversion": "0.3", **members}))


@pytest.mark.parametrize("encoding", ["base64", "Base64"])
def test_datacontentencoding_base64_is_decoded(sink: Sink, encoding: str) -> None:
    event = v03(sink, datacontentencoding=encoding, datacontenttype="text/plain", data="aGk=")
    assert event == {
        **REQUIRED,
        "specversion": "0.3",
        "datacontenttype": "text/plain",
        "data": "hi",
    }


def test_bytes_that_are_no_text_are_shown_as_they_came(sink: Sink) -> None:
    members = {
        "specversion": "0.3",
        "datacontentencoding": "base64",
        "datacontenttype": "a/b",
        "data": base64.b64encode(b"\x00\xff").decode(),
    }
    assert v03(sink, **members) == {**REQUIRED, **members}


def test_base64_that_is_none_is_refused(sink: Sink) -> None:
    event = {"specversion": "0.3", "datacontentencoding": "base64", "data": "a"}
    assert sink.rejected(sink.structured(event)) == "data"


def test_another_datacontentencoding_is_kept(sink: Sink) -> None:
    members = {"datacontentencoding": "8bit", "datacontenttype": "text/plain", "data": "x"}
    assert v03(sink, **members) == {**REQUIRED, "specversion": "0.3", **members}


@pytest.mark.parametrize("uri", ["/schema", "http://a.example/b#c"])
def test_schemaurl_is_a_uri_reference(sink: Sink, uri: str) -> None:
    assert v03(sink, schemaurl=uri)["schemaurl"] == uri


def test_schemaurl_that_is_no_uri_reference_is_refused(sink: Sink) -> None:
    event = {"specversion": "0.3", "schemaurl": "a b"}
    assert sink.rejected(sink.structured(event)) == "schemaurl"


def test_data_base64_is_not_of_this_version(sink: Sink) -> None:
    event = {"specversion": "0.3", "data_base64": "eA=="}
    assert sink.rejected(sink.structured(event)) == "data_base64"


def test_binary_mode_is_read_too(sink: Sink) -> None:
    answer = sink.binary({"specversion": "0.3", "schemaurl": "/a"}, b"5", "application/json")
    assert sink.accepted(answer) == {
        **REQUIRED,
        "specversion": "0.3",
        "schemaurl": "/a",
        "datacontenttype": "application/json",
        "data": 5,
    }
