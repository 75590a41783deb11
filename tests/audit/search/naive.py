"""The naive predicate: whether a shown event is what filters ask for, written a second time."""

import json
import re
from collections import defaultdict
from typing import Any

Shown = dict[str, Any]


def matches(shown: Shown, filters: list[tuple[str, str]]) -> bool:
    """`shown`: a record as the API shows it, its numbers as text."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, value in filters:
        groups[name].append(value)
    return all(_group(shown, name, values) for name, values in groups.items())


def decode(text: str) -> Any:
    """JSON with every number as it is written."""
    return json.loads(text, parse_int=Literal, parse_float=Literal)


class Literal(str):
    """A number as it is written."""

    __slots__ = ()


def _group(shown: Shown, name: str, values: list[str]) -> bool:
    event = shown["event"]
    if name.startswith("data."):
        steps = name.removeprefix("data.").replace("[]", ".[]").lstrip(".").split(".")
        texts = _at(event.get("data"), steps)
        return any(value in texts for value in values)
    if name == "q":
        return set(_words(values[0])) <= set(_words(" ".join(_texts(event))))
    if name == "conflicts":
        return (shown["conflicts_with"] is not None) is (values[0] == "true")
    if name == "transport":
        return (shown["kafka"] is not None) is (values[0] == "kafka")
    attribute = event.get(name.removeprefix("ext."))
    text = None if attribute is None else _text(attribute)
    wanted = [value for value in values if not value.startswith("!")]
    unwanted = [value[1:] for value in values if value.startswith("!")]
    return (not wanted or any(_fits(text, value) for value in wanted)) and not any(
        _fits(text, value) for value in unwanted
    )


def _fits(text: str | None, pattern: str) -> bool:
    if text is None:
        return False
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _at(value: Any, steps: list[str]) -> list[str]:
    if not steps:
        return [] if isinstance(value, dict | list) else [_text(value)]
    first, *rest = steps
    if first == "[]":
        inner = value if isinstance(value, list) else []
    else:
        inner = [value[first]] if isinstance(value, dict) and first in value else []
    return [text for each in inner for text in _at(each, rest)]


def _texts(event: Any) -> list[str]:
    found = [_text(value) for name, value in event.items() if name not in {"data", "data_base64"}]
    return found + (_leaves(event["data"]) if "data" in event else [])


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in _leaves(each)]
    return [_text(value)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
