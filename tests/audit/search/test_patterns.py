"""Patterns of values and paths: what each asks for, and what is no pattern."""

import pytest

from audit_service.search import patterns
from audit_service.search.contents import ITEMS, Name
from audit_service.search.expressions import Attribute, Comparison, Not


@pytest.mark.parametrize(
    ("pattern", "value", "comparison"),
    [
        ("order.paid", "order.paid", Comparison.EXACT),
        ("order.*", "order.", Comparison.PREFIX),
        ("*", "", Comparison.PREFIX),
        (r"a\*", "a*", Comparison.EXACT),
        (r"\!a", "!a", Comparison.EXACT),
        (r"a\\", "a\\", Comparison.EXACT),
        (r"a\\*", "a\\", Comparison.PREFIX),
        ("a*b", "a*b", Comparison.EXACT),
        ("a!", "a!", Comparison.EXACT),
    ],
)
def test_a_pattern_is_exact_or_of_a_prefix_and_a_backslash_escapes(
    pattern: str, value: str, comparison: Comparison
) -> None:
    assert patterns.attribute("type", pattern) == Attribute("type", value, comparison)
    assert patterns.attribute("type", f"!{pattern}") == Not(Attribute("type", value, comparison))


@pytest.mark.parametrize("pattern", ["", "!", "a\\", "!a\\\\\\"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"must not be empty|backslash"):
        patterns.attribute("type", pattern)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("id", ["id"]),
        ("user.id", ["user", "id"]),
        ("items[].sku", ["items", ITEMS, "sku"]),
        ("[][].x", [ITEMS, ITEMS, "x"]),
        ("a[]", ["a", ITEMS]),
        (r"a\.b", ["a.b"]),
        (r"a\[]", ["a[]"]),
        (r"a\\.b", ["a\\", "b"]),
        ("a..b", ["a", "", "b"]),
        ("[]a", None),
        ("a[0]", None),
        ("a[", None),
        ("a\\", None),
        ("", None),
    ],
)
def test_a_path_goes_through_members_and_items(text: str, path: list[str] | None) -> None:
    if path is None:
        with pytest.raises(ValueError, match=r"field|backslash"):
            patterns.path(text)
        return
    found = patterns.path(text)
    assert list(found) == path
    assert [type(step) is Name for step in found] == [step is not ITEMS for step in path]
