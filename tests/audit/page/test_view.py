"""The URL of a view is the view: what it asks for, and where its links lead."""

from urllib.parse import parse_qsl

import pytest
from werkzeug.datastructures import MultiDict

from audit_service.page import view
from audit_service.page.view import Stacking, Times, View


def read(query: str) -> View:
    return view.read(MultiDict(parse_qsl(query, keep_blank_values=True)), 0)


def test_without_parameters_it_is_everything() -> None:
    found = read("")
    assert (found.filters, found.columns, found.show, found.errors) == ((), [], None, ())
    assert (found.group, found.times) == (Stacking.TYPE, Times.LOCAL)


def test_filters_and_what_is_only_looked_at_are_told_apart() -> None:
    found = read("type=a&show=3&column=ext.b&group=source&times=utc&since=-1h&session=refused")
    assert found.filters == (("type", "a"), ("since", "-1h"))
    assert (found.show, found.group, found.times) == (3, Stacking.SOURCE, Times.UTC)
    assert [each.name for each in found.columns] == ["ext.b"]
    assert found.text == "type=a since=-1h"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("foo=1", "foo"),
        ("type=", "type"),
        ("since=x", "since"),
        ("cursor=x", "cursor"),
        ("show=-1", "show"),
        ("show=99999999999999999999", "show"),
        ("group=colour", "group"),
        ("times=yesterday", "times"),
        ("column=foo", "column=foo"),
        ("column=data.a[", "column=data.a["),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_shown(query: str, name: str) -> None:
    found = read(f"{query}&times=utc" if name != "times" else query)
    assert [each for each, _ in found.errors] == [name]


def test_links_keep_what_is_looked_at() -> None:
    links = read("type=a&show=3&times=utc").links
    assert links.only("type", "b") == "?type=a&type=b&show=3&times=utc"
    assert links.only("type", "a") == "?type=a&show=3&times=utc"
    assert read("conflicts=false&q=a").links.only("conflicts", "true") == "?q=a&conflicts=true"
    assert links.without(("type", "a")) == "?show=3&times=utc"
    assert links.set("show", "4") == "?type=a&times=utc&show=4"
    assert links.set("show", None) == "?type=a&times=utc"
    assert links.exported("csv") == "?type=a&format=csv"


def test_a_period_takes_the_place_of_another() -> None:
    links = read("since=-1h&until=-1m&by=time&type=a").links
    assert links.period("-7d") == "?type=a&since=-7d"
    assert links.period(None) == "?type=a"


def test_a_column_can_be_taken_away() -> None:
    links = read("column=ext.a&column=ext.b").links
    assert links.without_column("ext.a") == "?column=ext.b"
    assert links.without_column("ext.c") == "?column=ext.a&column=ext.b"


def test_the_view_of_nothing_has_no_query() -> None:
    assert read("type=a").links.without(("type", "a")) == ""


def test_a_text_of_the_search_bar_is_a_view() -> None:
    asked = MultiDict([("search", "type=a since=-1h word"), ("times", "utc"), ("show", "3")])
    assert view.searched(asked) == "?type=a&since=-1h&q=word&times=utc&show=3"
    assert view.searched(MultiDict([("type", "a")])) is None
