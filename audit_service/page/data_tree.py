"""Tree of JSON data, as it is folded and unfolded; large ones are cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from audit_service.page.visible import short
from audit_service.search.contents import ITEMS, Name, Path, is_compound, members_of, text_of
from audit_service.search.patterns import path_text

MOST_NODES: Final = 1000
MOST_DEPTH: Final = 32
MOST_CHARACTERS: Final = 2000
MOST_FILTERED: Final = 200
"""The longest text, in characters, that is offered as a filter."""


@dataclass(frozen=True, slots=True)
class Node:
    """A member, an item or the whole. `name`: None of an item, and of the whole; `kind`: `object`,
    `array`, `string` or `literal`; `text`: of a scalar; `count`: of what it holds, of which
    `inner` may be only the begin; `filter`: the parameter that has the text.
    """

    name: str | None
    kind: str
    text: str = ""
    count: int = 0
    inner: Sequence["Node"] = ()
    filter: tuple[str, str] | None = None


@dataclass(slots=True)
class _Left:
    nodes: int = field(default=MOST_NODES)


def tree(value: Any) -> Node:
    """The tree of a value as `Contents.json` has it."""
    return _node(None, value, (), 0, _Left())


def _node(name: str | None, value: Any, path: Path, depth: int, left: _Left) -> Node:
    shown = None if name is None else short(name)
    if not is_compound(value):
        text = text_of(value)
        kind = "string" if type(value) is str else "literal"
        filtered = (f"data.{path_text(path)}", text) if path and len(text) < MOST_FILTERED else None
        return Node(shown, kind, short(text, MOST_CHARACTERS), filter=filtered)
    parts = list(_parts(value))
    inner: list[Node] = []
    if depth < MOST_DEPTH:
        for inner_name, part in parts:
            if not left.nodes:
                break
            left.nodes -= 1
            step = ITEMS if inner_name is None else Name(inner_name)
            inner.append(_node(inner_name, part, (*path, step), depth + 1, left))
    kind = "array" if type(value) is list else "object"
    return Node(shown, kind, count=len(parts), inner=inner)


def _parts(value: Any) -> Iterator[tuple[str | None, Any]]:
    if type(value) is list:
        return ((None, item) for item in value)
    return iter(members_of(value))
