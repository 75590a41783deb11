"""An event is shown whole: its attributes, its data in every form, and what it belongs to."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from audit_service.events import JsonText, to_json
from audit_service.log import Backend
from audit_service.log.backend import Origin
from audit_service.page.comparison import TextPart
from audit_service.page.data_tree import MOST_NODES, Node, tree
from audit_service.page.detail import Detail, as_curl, detail
from audit_service.search import Search
from audit_service.search.contents import Contents
from tests.support.log_databases import commit
from tests.support.log_processes import event


def shown(backend: Backend, position: int) -> Detail:
    record = backend.get(position)
    assert record is not None
    return detail(Search(backend), record)


def json_tree(text: str) -> Node:
    return tree(Contents(event("1", JsonText(text.encode()))).json)


def test_each_attribute_is_shown_with_the_filter_that_has_it(backend: Backend) -> None:
    commit(backend, event("!a*", None, subject="x\\y", region="eu", count=5))
    found = shown(backend, 1)
    filters = {cell.filter: cell.pattern for cell in found.attributes}
    assert filters["id"] == r"\!a\*"
    assert filters["subject"] == r"x\\y"
    assert (filters["ext.region"], filters["ext.count"]) == ("eu", "5")


def test_what_is_kept_beside_it_is_shown(backend: Backend) -> None:
    commit(backend, event("1"), origin=Origin("audit", 2, 7))
    kept = {cell.name: cell.text for cell in shown(backend, 1).kept}
    assert kept == {"transport": "kafka", "kafka": "audit/2@7"}
    assert [mark.text for mark in shown(backend, 1).marks] == ["kafka"]


@pytest.mark.parametrize(
    ("data", "attributes", "expected"),
    [
        (None, {}, {"size": 0, "text": None, "hex": None}),
        (JsonText(b'{"a": 0.10}'), {}, {"size": 11, "text": '{"a": 0.10}', "hex": None}),
        (b"caf\xc3\xa9", {}, {"size": 5, "text": "café", "hex": None}),
        (b"\xff\x00", {}, {"text": None, "hex": "00000000  ff 00" + " " * 44 + "|..|"}),
    ],
)
def test_data_is_shown_as_what_it_is(
    backend: Backend, data: bytes | None, attributes: dict[str, str], expected: Mapping[str, Any]
) -> None:
    commit(backend, event("1", data, **attributes))
    found = shown(backend, 1).data
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.tree is not None) == isinstance(data, JsonText)


def test_a_tree_has_numbers_as_they_were_written_and_a_filter_for_each() -> None:
    found = json_tree('{"a": [1e400, 0.10], "b.c": {"d": null}, "s": "x"}')
    (items, nested, text) = found.inner
    assert [(each.kind, each.text) for each in items.inner] == [
        ("literal", "1e400"),
        ("literal", "0.10"),
    ]
    assert items.inner[1].filter == ("data.a[]", "0.10")
    assert nested.inner[0].filter == (r"data.b\.c.d", "null")
    assert (text.kind, text.text) == ("string", "x")


def test_a_large_or_deep_tree_is_cut_and_says_how_much_is_missing() -> None:
    wide = json_tree(json.dumps({f"k{n}": n for n in range(10_000)}))
    assert (wide.count, len(wide.inner)) == (10_000, MOST_NODES)
    node, depth = json_tree("[" * 200 + "]" * 200), 0
    while node.inner:
        node, depth = node.inner[0], depth + 1
    assert (node.count, depth) == (1, 32)


def test_events_of_a_subject_are_neighbours_and_missing_versions_are_counted(
    backend: Backend,
) -> None:
    for number, version in enumerate((1, 2, 5)):
        commit(backend, event(f"{number}", None, subject="u", subjectversion=version))
        commit(backend, event(f"other-{number}", None, subject="v"))
    found = shown(backend, 3)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.position, found.before.gap) == (1, 0)
    assert (found.after.position, found.after.gap) == (5, 2)
    assert shown(backend, 1).before is None


@pytest.mark.parametrize("versions", [("1", None), ("1", "x"), (None, None)])
def test_without_versions_no_gap_is_known(
    backend: Backend, versions: tuple[str | None, str | None]
) -> None:
    for number, version in enumerate(versions):
        given = {} if version is None else {"subjectversion": version}
        commit(backend, event(f"{number}", None, subject="u", **given))
    found = shown(backend, 1).after
    assert found is not None
    assert found.gap is None


def test_what_conflicts_is_shown_beside_it_with_the_differences(backend: Backend) -> None:
    commit(backend, event("1", b"amount 5 EUR", subject="a"))
    commit(backend, event("1", b"amount 70 EUR", subject="a"))
    for position, other in ((1, 2), (2, 1)):
        found = shown(backend, position)
        assert (found.compared_with, found.conflicts) == (other, [other])
        by_name = {each.name: each for each in found.differences}
        assert by_name["data"].earlier == [
            TextPart("amount ", differs=False),
            TextPart("5", differs=True),
            TextPart(" EUR", differs=False),
        ]
        assert by_name["data"].later[1] == TextPart("70", differs=True)
        assert not by_name["subject"].differs


def test_an_event_alone_conflicts_with_nothing(backend: Backend) -> None:
    commit(backend, event("1"), event("2"))
    assert (shown(backend, 1).conflicts, shown(backend, 1).compared_with) == ([], None)


def test_the_command_sends_the_event_as_it_is() -> None:
    text = to_json(event('it\'s "1" $HOME `id` \\', JsonText(b'{"a": "\\n\'"}'))).decode()
    command = as_curl("http://localhost:8080/", text)
    printed = subprocess.run(
        ["sh", "-c", command.replace("curl", "printf '%s\\n'", 1)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.splitlines()[-1] == text
    assert "http://localhost:8080/" in printed.splitlines()
