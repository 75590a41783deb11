"""Contents of an event as they are searched: texts of attributes and fields, and words.

A scalar's text is that of a string, or a number, `true`, `false` or `null` as it was written.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import orjson

from audit_service.events import Event, JsonText, data_as_text, strict_json
from audit_service.events.lossless_json import LOSSY, lossless
from audit_service.events.strict_json import Members, NotJson, Number

ITEMS: Final = "[]"
"""The step of a path to each item of an array. No name of a member: these are in a `Name`."""

_WORD = re.compile(r"[^\W_]+")


class Name(str):
    """The step of a path to the members of that name."""

    __slots__ = ()


Path = tuple[str, ...]
"""Steps from the data to a field: ITEMS, or a Name."""


def words_of(text: str) -> Iterator[str]:
    """Words of a text: runs of letters and digits, casefolded."""
    return (found[0] for found in _WORD.finditer(text.casefold()))


class Contents:
    """Contents of one event, each found out when it is asked for, once."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def attribute(self, name: str) -> str | None:
        """The text of an attribute, None where there is none."""
        value = self._event.attributes.get(name)
        return None if value is None else text_of(value)

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Names and texts of all attributes."""
        return ((name, text_of(value)) for name, value in self._event.attributes.items())

    def fields(self, path: Path) -> Iterator[str]:
        """The texts of the scalars that are at a path of the JSON data."""
        found: Sequence[Any] = [] if self.json is LOSSY else [self.json]
        for step in path:
            found = [inner for value in found for inner in _inner(value, step)]
        return (text_of(value) for value in found if not is_compound(value))

    @cached_property
    def words(self) -> frozenset[str]:
        """Words of attributes and data, but not of the names of members, nor of bytes."""
        texts = [text_of(value) for value in self._event.attributes.values()]
        texts += map(text_of, _scalars(self.json))
        texts.append(data_as_text(self._event) or "")
        return frozenset(word for text in texts for word in words_of(text))

    @cached_property
    def json(self) -> Any:
        """The value of the JSON data, LOSSY where there is none."""
        data = self._event.data
        if not isinstance(data, JsonText):
            return LOSSY
        value = lossless(data)
        try:
            return strict_json.decode(strict_json.text_of(data)) if value is LOSSY else value
        except NotJson:
            # It is nested as deep as could just be read when it came.
            return LOSSY


def _inner(value: Any, step: str) -> Iterator[Any]:
    if step is ITEMS:
        return iter(value if type(value) is list else ())
    return (inner for name, inner in members_of(value) if name == step)


def members_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of an object; none of another value."""
    if type(value) is dict:
        return iter(value.items())
    return iter(value if type(value) is Members else ())


def _scalars(value: Any) -> Iterator[Any]:
    # No recursion: however deep it is.
    pending = [] if value is LOSSY else [value]
    while pending:
        value = pending.pop()
        if type(value) is list:
            pending += value
        elif is_compound(value):
            pending += [inner for _, inner in members_of(value)]
        else:
            yield value


def is_compound(value: Any) -> bool:
    """Whether it is an object or an array."""
    return type(value) in {dict, list, Members}


def text_of(value: Any) -> str:
    """The text of a scalar."""
    if type(value) is str:
        return value
    return str(value) if type(value) is Number else orjson.dumps(value).decode()
