"""Records as JSON: each is read back as it was stored, so that its leaf is the same."""

import random

import pytest

from audit_service.api.event_record import one_line, record_json
from audit_service.events import Event, JsonText, Tolerance
from audit_service.evidence.leaf import leaf_of
from audit_service.evidence.record_text import (
    RecordMalformed,
    packed,
    read_record,
    salts_of,
    unpacked,
)
from audit_service.log import Origin, Record, Salts
from tests.support.log_processes import event
from tests.support.random_events import random_event

SALTS = Salts(b"a" * 16, b"d" * 16)

DATA = [
    None,
    b"bytes",
    b"\x00\xff",
    JsonText(b"{}"),
    JsonText(b'{"a": 0.10, "data": {"data": 1e400}, "big": 12345678901234567890123}'),
    JsonText(b'{\n "a": 1\n}'),
    JsonText(b' {"a": 1}\r\n'),
    JsonText(b'"\\ud800 \\u00e9 \\" data"'),
    JsonText('["ü", {"event": null}]'.encode()),
    JsonText(b"1" * 5000),
    JsonText(b"null"),
]
ATTRIBUTES = [
    {},
    {"subject": 'data": "x', "extra": 5, "flag": True, "text": "5"},
    {"datacontenttype": "application/json"},
]
TEXTS = [
    ("text/plain", "ü\n\r\t".encode()),
    ("text/plain; charset=iso-8859-1", "ü".encode("latin-1")),
    ("text/plain", b"\xff"),
    ("application/xml", b"<a/>"),
    ("application/octet-stream", b"{}"),
    ("application/json; charset=utf-16", '{"a": 1}'.encode("utf-16")),
]


def record(of: Event) -> Record:
    origin = Origin("topic", 3, 2**40)
    return Record(7, 1_795_000_000_123_456, 3, of, origin, "me", SALTS)


def check(of: Record) -> None:
    line = one_line(record_json(of, salts_of(of)))
    read = read_record(line)
    assert read == of
    assert type(read.event.data) is type(of.event.data)
    assert leaf_of(read) == leaf_of(of)
    whole = read_record(record_json(of))
    assert (whole.event, whole.salts) == (of.event, None)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("attributes", ATTRIBUTES)
def test_an_event_is_read_back(data: bytes | None, attributes: dict[str, str | int]) -> None:
    if isinstance(data, JsonText) or not attributes:
        check(record(event("id", data, **attributes)))


@pytest.mark.parametrize(("media_type", "data"), TEXTS)
def test_text_is_read_back(media_type: str, data: bytes) -> None:
    check(record(event("id", data, datacontenttype=media_type)))


@pytest.mark.parametrize("data", [JsonText(b'{"a":1}'), b"\x00"])
def test_an_event_of_0_3_is_read_back(data: bytes) -> None:
    check(record(event("id", data, specversion="0.3", datacontentencoding="base64")))


def test_what_came_over_http_is_read_back() -> None:
    of = Event(
        event("id").attributes, None, (Tolerance.ATTRIBUTE_VALUES, Tolerance.DATACONTENTTYPE_HEADER)
    )
    check(Record(1, 0, None, of, None, None, SALTS))


def test_random_events_are_read_back() -> None:
    choose = random.Random(7)
    for _ in range(300):
        check(record(random_event(choose)))


def test_what_is_shown_of_an_event_cannot_be_other_than_what_is_stored() -> None:
    of = record(event("id", JsonText(b"[ 1\n]"), subject="true"))
    line = record_json(of)
    assert b'"stored"' in line
    forged = line.replace(b'"subject":"true"', b'"subject":"false"', 1)
    assert read_record(forged).event.attributes["subject"] == "false"


FORGED = {
    "data twice": (b'"data":{"paid":10}', b'"data":{"paid":10},"data":{"paid":9999}'),
    "the event twice": (b'"event":', b'"event":{},"event":'),
    "a name of two": (b'"data":', b'"n:integer":"5","data":'),
    "a value that is none": (b'"data":', b'"n":1.5,"data":'),
    "a position that is none": (b'"position":7', b'"position":7.0'),
    "an endless position": (b'"position":7', b'"position":1e999'),
    "stored without an event": (b'"event":', b'"stored":{},"events":'),
}


@pytest.mark.parametrize(("old", "new"), FORGED.values(), ids=FORGED)
def test_a_record_that_can_be_read_in_two_ways_is_refused(old: bytes, new: bytes) -> None:
    line = one_line(record_json(record(event("id", JsonText(b'{"paid":10}')))))
    assert old in line
    with pytest.raises(RecordMalformed):
        read_record(line.replace(old, new, 1))


@pytest.mark.parametrize("data", [b"null", b"true", b"5", b'["a"]'])
def test_text_is_not_taken_for_what_python_shows_of_it(data: bytes) -> None:
    line = one_line(record_json(record(event("id", b"text", datacontenttype="text/plain"))))
    with pytest.raises(RecordMalformed):
        read_record(line.replace(b'"text"', data, 1))


def test_salts_of_a_proof_are_read_back() -> None:
    assert unpacked(packed(SALTS)) == SALTS
    assert unpacked(None) is unpacked(b"short") is None


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"\xff", b'{"position": 1}', b"[" * 100_000])
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(RecordMalformed):
        read_record(line)
