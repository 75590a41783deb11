"""Patterns of values and paths, as they are written in a query."""

import re
from collections.abc import Callable
from functools import partial

from audit_service.search.contents import ITEMS, Name, Path
from audit_service.search.expressions import Attribute, Comparison, Expression, Not

_CHARACTER = re.compile(r"\\(.)|([^\\])", re.DOTALL)
_ESCAPED = re.compile(r"[\\.\[]")
_STEPS = re.compile(r"((?:\\.|[^\\.\[])*)((?:\[\])*)(\.|\Z)", re.DOTALL)


def attribute(name: str, pattern: str) -> Expression:
    """What a pattern asks of an attribute: see `compared`."""
    return compared(partial(Attribute, name), pattern)


def compared(asked: Callable[[str, Comparison], Expression], pattern: str) -> Expression:
    """What a pattern asks, made by `asked` of a text and how it is compared: a Not where it is
    negated.

    A leading `!` negates, a trailing `*` is any end; `\\*`, `\\!` and `\\\\` are the characters
    themselves. Raises ValueError.
    """
    negated = pattern.startswith("!")
    tokens = _characters(pattern[negated:])
    comparison = Comparison.EXACT
    if tokens and tokens[-1] == ("*", False):
        comparison = Comparison.PREFIX
        tokens.pop()
    if comparison is Comparison.EXACT and not tokens:
        raise ValueError("must not be empty: none is")
    found = asked("".join(character for character, _ in tokens), comparison)
    return Not(found) if negated else found


def pattern_of(text: str) -> str:
    """The pattern that asks for exactly this text."""
    pattern = text.replace("\\", "\\\\")
    if pattern.startswith("!"):
        pattern = f"\\{pattern}"
    return f"{pattern[:-1]}\\*" if pattern.endswith("*") else pattern


def path(text: str) -> Path:
    """The path that a text such as `items[].sku` stands for; a `\\` escapes `.`, `[` and itself.

    Raises ValueError.
    """
    if not text:
        raise ValueError("must name a field: data.PATH")
    steps: list[str] = []
    end, more = 0, True
    while more:
        found = _STEPS.match(text, end)
        if found is None:
            raise ValueError("has a `[` that is not `[]`, or a backslash before nothing")
        name, items, dot = found.groups()
        if name or not items:
            steps.append(Name("".join(character for character, _ in _characters(name))))
        steps += [ITEMS] * (len(items) // len(ITEMS))
        end, more = found.end(), bool(dot)
    return tuple(steps)


def path_text(steps: Path) -> str:
    """The text that stands for a path."""
    text = ""
    for step in steps:
        if step is ITEMS:
            text += ITEMS
        else:
            name = _ESCAPED.sub(r"\\\g<0>", step)
            text += f".{name}" if text else name
    return text


def _characters(text: str) -> list[tuple[str, bool]]:
    """Each character, and whether it was escaped. Raises ValueError."""
    found = [(match[1] or match[2], match[1] is not None) for match in _CHARACTER.finditer(text)]
    if len(found) + sum(escaped for _, escaped in found) != len(text):
        raise ValueError("ends with a backslash that nothing follows")
    return found
