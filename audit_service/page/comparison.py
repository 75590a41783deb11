"""Comparison of two events of the same source and id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from audit_service.log import Record
from audit_service.page.visible import short
from audit_service.search.contents import Contents

DATA: Final = "data"
MOST_CHARACTERS: Final = 4000
"""Of a part of a value that is shown."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a value, and whether the other one has it otherwise."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """An attribute, or the data, of both; no parts where one has none."""

    name: str
    earlier: Sequence[TextPart]
    later: Sequence[TextPart]
    differs: bool


def differences(earlier: Record, later: Record) -> Sequence[Difference]:
    """All that either has, and what of it differs."""
    one, other = _values(earlier), _values(later)
    return [_difference(name, one.get(name), other.get(name)) for name in {**one, **other}]


def _values(record: Record) -> Mapping[str, str]:
    data = record.event.data
    values = dict(Contents(record.event).attributes())
    if data is not None:
        values[DATA] = data.decode(errors="backslashreplace")
    return values


def _difference(name: str, one: str | None, other: str | None) -> Difference:
    parts = _parts(one or "", other or "")
    return Difference(name, *parts, differs=one != other)


def _parts(one: str, other: str) -> tuple[Sequence[TextPart], Sequence[TextPart]]:
    """What is between the begin and the end that both have differs."""
    begin = _same(one, other)
    rests = one[begin:], other[begin:]
    end = _same(rests[0][::-1], rests[1][::-1])
    return _three(one, begin, len(one) - end), _three(other, begin, len(other) - end)


def _same(one: str, other: str) -> int:
    """How many characters they begin with are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _three(text: str, begin: int, end: int) -> Sequence[TextPart]:
    parts = [(text[:begin], False), (text[begin:end], True), (text[end:], False)]
    return [TextPart(short(part, MOST_CHARACTERS), differs) for part, differs in parts if part]
