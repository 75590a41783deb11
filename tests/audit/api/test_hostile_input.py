"""Input that is made to be slow or deep: it is read or refused, quickly, and is no fault."""

import json
import tracemalloc

import pytest

from audit_service.events import http_binding
from tests.support.audit_client import REQUIRED, Sink, event_text


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [300, 600, 900, 100_000])
@pytest.mark.parametrize("mode", ["binary", "structured", "batch"])
def test_deep_nesting_is_read_or_refused_and_no_fault(
    sink: Sink, mode: str, depth: int, opening: str
) -> None:
    data = opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth
    event = event_text(f'"data":{data}')
    if mode == "binary":
        answer = sink.binary(body=data.encode(), content_type="application/json")
    else:
        answer = sink.batch(f"[{event}]") if mode == "batch" else sink.structured(event)
    assert answer.status_code in ({204, 400} if depth > 300 else {204})


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    ("headers", "content_type"),
    [
        ({}, "a/b" + " ;" * 100 + " x"),
        ({"ext": '"' + '\\"' * 30_000}, None),
        ({"ext": '"' * 60_001}, None),
        ({"source": "/a" * 30_000 + "|"}, None),
        ({"time": "2026-01-01T00:00:00." + "0" * 60_000 + "x"}, None),
    ],
)
def test_no_header_takes_long_to_refuse(
    sink: Sink, headers: dict[str, str], content_type: str | None
) -> None:
    sink.rejected(sink.binary(headers, content_type=content_type))


@pytest.mark.timeout(5)
@pytest.mark.parametrize("codec", ["punycode", "idna"])
def test_no_declared_charset_takes_long_to_encode(sink: Sink, codec: str) -> None:
    text = "".join(chr(0x4E00 + i * 7 % 20000) for i in range(30_000))
    event = {"datacontenttype": f"text/plain; charset={codec}", "data": text}
    assert sink.rejected(sink.structured(event)) == "data"


def test_a_batch_of_more_events_than_are_accepted_is_refused_at_once(sink: Sink) -> None:
    body = b"[" + b"1," * 200_000 + b"1]"
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    answer = sink.client.post("/", headers=headers, data=body)
    assert answer.status_code == 413
    assert answer.get_json()["limit"] == 10_000


@pytest.mark.parametrize("name", ["source", "datacontenttype"])
def test_a_long_value_is_not_kept_in_memory(name: str) -> None:
    def read(number: int) -> None:
        value = f"a/{number}" + "x" * 100_000
        body = json.dumps({**REQUIRED, name: value}).encode()
        headers = {"content-type": "application/cloudevents+json"}
        assert http_binding.read(headers, body)[0].attributes[name] == value

    read(0)
    tracemalloc.start()
    try:
        for number in range(1, 21):
            read(number)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000
