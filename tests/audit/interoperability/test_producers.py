"""Events of real producers: stored as they came, or refused unless what they need is tolerated."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from audit_service.events import Event, EventRejected, http_binding, kafka_binding, to_json
from audit_service.events.tolerance import STRICT, Tolerance, Tolerances
from tests.audit.interoperability.payloads import Payload, Sent, is_json, load
from tests.support.audit_client import Sink, open_sink
from tests.support.kafka_messages import LIMITS

PAYLOADS = load()


def cases(*modes: str, kind: str) -> list[Any]:
    """The payloads of these modes that are `conforming`, `tolerable` or `hopeless`."""
    return [
        pytest.param(payload, id=payload.name)
        for payload in PAYLOADS
        if payload.mode in modes and payload.kind == kind
    ]


HTTP = ("binary", "structured", "batch")
ALL = (*HTTP, "kafka")


@pytest.mark.parametrize(
    "payload", [*cases(*HTTP, kind="conforming"), *cases(*HTTP, kind="tolerable")]
)
def test_what_was_sent_is_stored_as_it_came(tmp_path: Path, payload: Payload) -> None:
    with open_sink(tmp_path, tolerate=",".join(payload.tolerances) or "none") as sink:
        answer = post(sink, payload)
        assert answer.status_code == 204, answer.text
        for position, sent in enumerate(payload.sent(), 1):
            kept = sink.client.get(f"/v1/events/{position}")
            record = json.loads(kept.data)
            assert record["tolerated"] == list(payload.tolerances)
            assert_kept(sent, record["event"], kept.data)
        assert len(sink.stored()) == len(payload.sent())


@pytest.mark.parametrize(
    "payload", [*cases(*HTTP, kind="tolerable"), *cases(*HTTP, kind="hopeless")]
)
def test_what_deviates_is_refused(tmp_path: Path, payload: Payload) -> None:
    with open_sink(tmp_path, tolerate="none") as sink:
        answer = post(sink, payload)
        assert sink.rejected(answer) == payload.at_fault


@pytest.mark.parametrize("payload", cases("kafka", kind="conforming"))
def test_what_was_sent_through_kafka_is_read_as_it_came(payload: Payload) -> None:
    (event,) = read(payload)
    (sent,) = payload.sent()
    assert_read(sent, event)


@pytest.mark.parametrize("payload", cases("kafka", kind="tolerable"))
def test_what_deviates_in_kafka_is_refused(payload: Payload) -> None:
    assert fault(payload) == payload.at_fault


@pytest.mark.parametrize("payload", cases(*ALL, kind="tolerable"))
def test_what_deviates_is_read_as_it_came_where_it_is_tolerated(payload: Payload) -> None:
    events = read(payload, frozenset(map(Tolerance, payload.tolerances)))
    for sent, event in zip(payload.sent(), events, strict=True):
        assert_read(sent, event)
        assert event.tolerated == tuple(payload.tolerances)


@pytest.mark.parametrize("payload", cases(*ALL, kind="hopeless"))
def test_what_nothing_tolerates_is_refused_whatever_is_tolerated(payload: Payload) -> None:
    assert fault(payload, frozenset(Tolerance)) == payload.at_fault


@pytest.mark.parametrize("payload", cases(*ALL, kind="conforming"))
def test_what_conforms_needs_no_tolerance_and_is_not_changed_by_one(payload: Payload) -> None:
    tolerant = read(payload, frozenset(Tolerance))
    assert [event.tolerated for event in tolerant] == [()] * len(tolerant)
    assert tolerant == read(payload)


def test_each_tolerance_is_needed_by_a_producer() -> None:
    tolerable = [payload for payload in PAYLOADS if payload.kind == "tolerable"]
    assert {name for payload in tolerable for name in payload.tolerances} == set(Tolerance)


@pytest.mark.parametrize("payload", [pytest.param(each, id=each.name) for each in PAYLOADS])
def test_each_payload_is_of_its_producer_and_mode(payload: Payload) -> None:
    assert payload.producer
    assert payload.shape_of
    assert payload.mode in ALL
    assert payload.data_text is None or payload.data_text in (payload.body_text or "")


def post(sink: Sink, payload: Payload) -> TestResponse:
    headers = payload.wsgi_headers
    return sink.post(payload.content, headers.pop("content-type", None), headers)


def read(payload: Payload, tolerate: Tolerances = STRICT) -> Sequence[Event]:
    """The events of the payload, as the binding of its transport reads them."""
    if payload.mode == "kafka":
        return kafka_binding.read(payload.kafka_headers, payload.content, LIMITS, tolerate)
    return http_binding.read(payload.wsgi_headers, payload.content, tolerate=tolerate)


def fault(payload: Payload, tolerate: Tolerances = STRICT) -> str | None:
    """The attribute for which the payload is refused."""
    with pytest.raises(EventRejected) as caught:
        read(payload, tolerate)
    return caught.value.attribute


def assert_read(sent: Sent, event: Event) -> None:
    kept = to_json(event)
    assert_kept(sent, json.loads(kept), kept)


def assert_kept(sent: Sent, event: dict[str, Any], text: bytes) -> None:
    """Attribute for attribute, and the data byte for byte: JSON with its literals and spaces.

    `event`: in the JSON format; `text`: what it was parsed from.
    """
    attributes = {name: event[name] for name in event if name not in {"data", "data_base64"}}
    # As text, since to Python true is 1.
    assert json.dumps(attributes, sort_keys=True) == json.dumps(sent.attributes, sort_keys=True)
    if sent.data is None:
        assert not {"data", "data_base64"} & event.keys()
    elif "data_base64" in event:
        assert base64.b64decode(event["data_base64"]) == sent.data
    elif is_json(sent.attributes.get("datacontenttype")):
        assert b'"data":' + sent.data + b"}" in text
    else:
        assert event["data"] == sent.data.decode()
