"""Text of the search bar and the filters that it stands for are the same thing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_service.page import search_text
from audit_service.search.filters import NAMES

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "search_text.json").read_text())
VALUE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FILTER = st.tuples(
    st.sampled_from([*NAMES, "ext.a", "data.a b", 'data."x']).filter(lambda name: name != "q"),
    VALUE,
)


@pytest.mark.parametrize("vector", [each for each in VECTORS if each["pairs"] is not None])
def test_a_text_stands_for_its_filters_and_they_for_it(vector: dict[str, Any]) -> None:
    pairs = [(name, value) for name, value in vector["pairs"]]
    assert search_text.parse(vector["text"]) == pairs
    assert search_text.written(pairs) == vector.get("written", vector["text"])


@pytest.mark.parametrize("vector", [each for each in VECTORS if each["pairs"] is None])
def test_a_quote_that_is_not_closed_is_said(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="without another one"):
        search_text.parse(vector["text"])


@given(st.lists(FILTER, max_size=4))
def test_whatever_is_filtered_by_can_be_written(pairs: list[tuple[str, str]]) -> None:
    assert search_text.parse(search_text.written(pairs)) == pairs
