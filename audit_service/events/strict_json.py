"""Strict JSON (RFC 8259) that keeps what a decoder would lose: source text, literals, repeats."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from json.scanner import make_scanner
from typing import Any, NoReturn

from audit_service.events.lossless_json import LOSSY, lossless

_SPACE = re.compile(r"[ \t\n\r]*")


class NotJson(ValueError):
    """The text is not JSON; the message says what is wrong, without quoting the text."""


class Number(str):
    """A number literal as it was written."""

    __slots__ = ()


class Members(tuple[tuple[str, Any], ...]):
    """An object: its members as they came, repeats included."""

    __slots__ = ()


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is no JSON value")


_DECODER = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=_refuse_constant, object_pairs_hook=Members
)
_scan_value = make_scanner(_DECODER)  # type: ignore[arg-type]  # it takes any such context


def text_of(body: bytes) -> str:
    """The body as text. Raises NotJson where it is not UTF-8 or begins with a byte order mark."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NotJson("it is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise NotJson("it begins with a byte order mark")
    return text


def decode(text: str) -> Any:
    """The value: None, bool, str, Number, list, or Members. Raises NotJson."""
    value, end = _value(text, _space(text, 0))
    if _space(text, end) != len(text):
        raise NotJson("it goes on after its end")
    return value


def check(text: bytes) -> None:
    """Raises NotJson where it is not."""
    if lossless(text) is LOSSY:
        decode(text_of(text))


def source_of(text: str, name: str) -> str:
    """The source text of the member of that name, of the object that `text` is known to be."""
    quoted = f'"{name}"'
    # Without an escape, and there once, it can only be the name itself: nine times faster than
    # the walk, and a third of what an event of a batch costs.
    if "\\" not in text and text.count(quoted) == 1:
        at = _space(text, text.index(quoted) + len(quoted))
        return _source(text, _space(text, at + 1))
    return next(source for member, source in _sources(text) if member == name)


def are_once(text: str) -> bool:
    """Whether no member of the object that `text` is known to be is there twice."""
    names = [name for name, _ in _sources(text)]
    return len(names) == len(set(names))


class MemberSources:
    """The source texts of all members of the object that a text is known to be, none of them twice.

    `source_of` for many: one walk of the text, once the first is asked for.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __getitem__(self, name: str) -> str:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return dict(_sources(self._text))


def _sources(text: str) -> Iterator[tuple[str, str]]:
    """Each member of the object that `text` is known to be: name, source text."""
    at = _space(text, _space(text, 0) + 1)
    while text[at] != "}":
        name, at = _value(text, at)
        at = _space(text, _space(text, at) + 1)
        source = _source(text, at)
        yield name, source
        at = _next_item(text, at + len(source), "}")


def _source(text: str, at: int) -> str:
    return text[at : _value(text, at)[1]]


def items(text: str) -> Iterator[tuple[Any, str]]:
    """Each item of the array that `text` is: value, source text. Raises NotJson."""
    at = _expect(text, _space(text, 0), "[", "it is not an array")
    at = _space(text, at)
    while text[at : at + 1] != "]":
        value, end = _value(text, at)
        yield value, text[at:end]
        at = _next_item(text, end, "]")
    if _space(text, at + 1) != len(text):
        raise NotJson("it goes on after its end")


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        value: tuple[Any, int] = _scan_value(text, at)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg.lower()} at character {error.pos}") from None
    except StopIteration:
        raise NotJson(f"a value is missing at character {at}") from None
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    return value


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, mark: str, otherwise: str) -> int:
    if text[at : at + 1] != mark:
        raise NotJson(otherwise)
    return at + 1


def _next_item(text: str, at: int, close: str) -> int:
    """Where the next item begins, or where `close` is."""
    at = _space(text, at)
    if text[at : at + 1] == close:
        return at
    at = _space(text, _expect(text, at, ",", f"a ',' or '{close}' is missing"))
    if text[at : at + 1] == close:
        raise NotJson("a ',' is before its end")
    return at
