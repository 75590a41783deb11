"""Compact JSON is read on a shorter way, with the same results."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_service.events import (
    EventRejected,
    canonical_json,
    content_mode,
    digest,
    http_binding,
    lossless_json,
)

FAST = settings(max_examples=200, deadline=None, derandomize=True, database=None)

texts = st.text(max_size=6)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=16,
)


def compact(data: str) -> bytes:
    return f'{{"specversion":"1.0","id":"1","source":"/s","type":"t",{data}}}'.encode()


def read_one(body: bytes) -> Any:
    (event,) = http_binding.read({"content-type": content_mode.STRUCTURED}, body)
    return event


@FAST
@given(values)
def test_compact_json_has_the_canonical_form_of_the_same_with_a_space(value: Any) -> None:
    text = orjson.dumps(value)
    assert lossless_json.lossless(text) is not lossless_json.LOSSY
    assert canonical_json.canonical(text) == canonical_json.canonical(b" " + text)


@FAST
@given(values)
def test_an_event_is_the_same_with_and_without_a_space(value: Any) -> None:
    body = compact('"data":' + orjson.dumps(value).decode())
    assert lossless_json.lossless(body) is not lossless_json.LOSSY
    short, long = read_one(body), read_one(body + b" ")
    assert short == long
    assert digest(short) == digest(long)


@FAST
@given(st.lists(values), st.integers(1, 100))
def test_items_are_those_of_the_whole_however_long_a_part_is(items: list[Any], part: int) -> None:
    assert list(lossless_json.lossless_items(orjson.dumps(items), part)) == items


@FAST
@given(st.lists(values), st.integers(1, 100), st.data())
def test_what_could_be_lost_ends_the_items(
    items: list[Any], part: int, data: st.DataObject
) -> None:
    text = orjson.dumps(items)
    at = data.draw(st.integers(0, len(text) - 1))
    altered = (
        text[:at] + data.draw(st.sampled_from([b"", b" ", b"},{", b'"', b"]"])) + text[at + 1 :]
    )
    *found, last = [None, *lossless_json.lossless_items(altered, part)]
    whole = lossless_json.lossless(altered)
    assert (last is lossless_json.LOSSY) == (
        whole is lossless_json.LOSSY or type(whole) is not list
    )
    if type(whole) is list and whole:
        assert [*found[1:], last] == whole


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"b":2,"a":3}',
        "[1e2]",
        "[1.10]",
        "[-0]",
        "[1E400]",
        "[18446744073709551616]",
        "[0.1000000000000000055511151231257827]",
        r'["\u0041"]',
        r'["\/"]',
        r'["\ud800"]',
        '{"a": 1}',
        "[1]\n",
        "\ufeff[1]",
        "[NaN]",
        "[1",
        "",
        "[" * 2000 + "]" * 2000,
        "[" * 500 + "]" * 500,
    ],
)
def test_what_could_be_lost_does_not_take_the_shorter_way(text: str) -> None:
    assert lossless_json.lossless(text.encode()) is lossless_json.LOSSY


@pytest.mark.parametrize(
    "member",
    [
        '"x":1.5',
        '"x":12345678901',
        '"x":3000000000',
        '"id2":{}',
        '"X":1',
        '"subject":7',
        '"X":null',
    ],
)
def test_a_broken_rule_is_named_alike_on_both_ways(member: str) -> None:
    said = []
    for body in (compact(member), compact(member) + b" "):
        with pytest.raises(EventRejected) as refusal:
            read_one(body)
        said.append((refusal.value.attribute, refusal.value.rule))
    assert said[0] == said[1]


@pytest.mark.parametrize("literal", ["2147483647", "-2147483648", "true"])
def test_an_extension_has_its_type_alike(literal: str) -> None:
    short, long = (read_one(compact(f'"x":{literal}') + end) for end in (b"", b" "))
    assert short == long
    assert type(short.attributes["x"]) is type(long.attributes["x"])
