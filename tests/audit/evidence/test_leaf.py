"""Leaves of events: what they have, and what alters them."""

import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from audit_service.events import Event, JsonText, Tolerance
from audit_service.evidence.leaf import Unsalted, leaf_of
from audit_service.log import Backend, Origin, Record, Salts
from tests.support.log_databases import commit
from tests.support.log_processes import event

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "leaves.json").read_text())
SALTS = Salts(bytes(range(16)), bytes(range(16, 32)))
RECORD = Record(7, 1_795_000_000_123_456, None, event("1", b"x"), salts=SALTS)


def with_event(*, data: bytes | None = b"x", **attributes: str | int | bool) -> Record:
    return replace(RECORD, event=Event({**RECORD.event.attributes, **attributes}, data))


def tolerated(*names: Tolerance) -> Record:
    return replace(RECORD, event=replace(RECORD.event, tolerated=names))


ALTERED = {
    "as it is": RECORD,
    "another place": replace(RECORD, position=8),
    "another arrival": replace(RECORD, received_at=RECORD.received_at + 1),
    "another type": with_event(type="T"),
    "one attribute more": with_event(a="b"),
    "another name": with_event(b="b"),
    "an attribute with a line break of our form": with_event(a="1 x\nb 1 y"),
    "two attributes that say the same": with_event(a="x", b="y"),
    "a number": with_event(a=5),
    "a number in a string": with_event(a="5"),
    "a truth": with_event(a=True),
    "its word": with_event(a="true"),
    "another sender": replace(RECORD, sender="a"),
    "an attribute of that name": with_event(sender="a"),
    "an empty sender": replace(RECORD, sender=""),
    "tolerated": tolerated(Tolerance.DATASCHEMA),
    "more of it": tolerated(Tolerance.DATASCHEMA, Tolerance.ATTRIBUTE_NAMES),
    "a topic": replace(RECORD, origin=Origin("audit", 1, 23)),
    "another offset": replace(RECORD, origin=Origin("audit", 12, 3)),
    "other data": with_event(data=b"y"),
    "no data": with_event(data=None),
    "data that is JSON": with_event(data=JsonText(b"x")),
    "another salt of attributes": replace(RECORD, salts=Salts(bytes(16), SALTS.data)),
    "another salt of data": replace(RECORD, salts=Salts(SALTS.attributes, bytes(16))),
}


def test_whatever_is_altered_makes_another_leaf() -> None:
    leaves = {name: leaf_of(record) for name, record in ALTERED.items()}
    same = [pair for pair in combinations(leaves, 2) if leaves[pair[0]] == leaves[pair[1]]]
    assert same == []


def test_the_order_of_attributes_and_what_is_derived_of_them_make_none() -> None:
    reversed_event = Event(dict(reversed([*RECORD.event.attributes.items()])), b"x")
    assert leaf_of(replace(RECORD, event=reversed_event)) == leaf_of(RECORD)
    assert leaf_of(replace(RECORD, conflicts_with=1)) == leaf_of(RECORD)


def test_a_leaf_is_what_its_form_says() -> None:
    record = replace(
        with_event(ä="€", n=-5, t=True, data=JsonText(b'{"a": 0.10}')),
        sender="Zoë",
        origin=Origin("audit", 2, 42),
    )
    attributes = (
        "id 1 1\nn:integer 2 -5\nsource 2 /s\nspecversion 3 1.0\nt:boolean 4 true\ntype 1 t\n"
        "ä 3 €\n\nsender 4 Zoë\nkafka_topic 5 audit\nkafka_partition:integer 1 2\n"
        "kafka_offset:integer 2 42\n"
    )
    a = sha256(b"attrs/v1" + SALTS.attributes + attributes.encode()).digest()
    d = sha256(b"data/v1" + SALTS.data + b'json {"a": 0.10}').digest()
    expected = f"audit-leaf/v1\n7\n1795000000123456\n{b64(a)}\n{b64(d)}\n"
    assert leaf_of(record) == expected.encode()


def b64(content: bytes) -> str:
    return b64encode(content).decode()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_leaf_is_that_of_the_vectors(vector: dict[str, Any]) -> None:
    assert leaf_of(record_of(vector)).decode() == vector["leaf"]


def record_of(vector: dict[str, Any]) -> Record:
    data = None if vector["data"] is None else vector["data"].encode()
    if data is not None and vector["data_is_json"]:
        data = JsonText(data)
    return Record(
        vector["position"],
        vector["received_at"],
        None,
        Event(vector["attributes"], data, tuple(map(Tolerance, vector["tolerated"]))),
        vector["origin"] and Origin(*vector["origin"]),
        vector["sender"],
        Salts(*map(bytes.fromhex, vector["salts"])),
    )


def test_what_is_read_has_the_leaf_of_what_was_appended(backend: Backend) -> None:
    sent = event(
        "1", JsonText(b'{"a": 0.10}'), flag=True, count=-5, text="é", time="2026-01-01T00:00:00.10Z"
    )
    commit(backend, sent, origin=Origin("audit", 2, 42))
    stored = backend.get(1)
    assert stored is not None
    appended = replace(stored, event=sent, origin=Origin("audit", 2, 42))
    assert leaf_of(stored) == leaf_of(appended)


def test_an_event_without_salts_has_no_leaf() -> None:
    with pytest.raises(Unsalted):
        leaf_of(replace(RECORD, salts=None))
