"""Values of JSON are counted by its punctuation: never too few, and exactly where it matters."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit import json_values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a,[{"\\'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='a,[{"\\'), inner),
    max_leaves=30,
)


def count(value: object) -> int:
    """Members and items of a value, an empty object or array as one."""
    if isinstance(value, dict):
        return sum(map(count, value.values())) + max(1, len(value))
    return sum(map(count, value)) + max(1, len(value)) if isinstance(value, list) else 0


@given(VALUES)
def test_json_has_no_more_values_than_are_counted(value: object) -> None:
    text = json.dumps(value).encode()
    assert json_values.at_most(text) >= count(value)
    assert json_values.are_more_than(count(value), text) is False
    if count(value):
        assert json_values.are_more_than(count(value) - 1, text) is True


def test_punctuation_within_strings_is_none() -> None:
    text = json.dumps(["," * 1000, '"[{' * 1000, {"\\": ",[{" * 100}]).encode()
    assert json_values.are_more_than(4, text) is False


@pytest.mark.parametrize("unit", [b'"', b'"\\', b'\\"', b'"",', b'"a" ', b"\\", b'",', b"[{,"])
def test_no_text_takes_long_to_count(unit: bytes) -> None:
    text = b'"' + unit * (10_000_000 // len(unit)) + b"," * 1000
    began = time.process_time()
    json_values.are_more_than(500, text)
    assert time.process_time() - began < 1


def test_to_count_takes_no_memory_to_speak_of() -> None:
    text = b'[{"a":' + b'{"a":0},' * 500_000 + b"0}]"
    tracemalloc.start()
    try:
        assert json_values.are_more_than(250_000, text) is True
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(text) / 10
