"""Text of the search bar: `type=order.* since=-1h paid`, and the parameters that it stands for.

Words are separated by spaces; what is in double quotes may have spaces in it, and two quotes there
are one. A word that begins with the name of a filter and `=` is that filter, any other is of `q`.
`assets/search_text.js` reads and writes the same.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from audit_service.search.filters import NAMES, is_filter

WORDS: Final = "q"
_WORD = re.compile(r'(?:[^\s"]|"(?:[^"]|"")*")+')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_PLAIN = re.compile(r'[^\s"]+')
_UNBALANCED: Final = 'has a `"` without another one'

Pairs = Sequence[tuple[str, str]]


def parse(text: str) -> Pairs:
    """Names and values, in their order, the words last. Raises ValueError."""
    if _WORD.sub("", text).strip():
        raise ValueError(_UNBALANCED)
    found: list[tuple[str, str]] = []
    words: list[str] = []
    for match in _WORD.finditer(text):
        word = _QUOTED.sub(lambda quoted: quoted[1].replace('""', '"'), match[0])
        name, separator, value = word.partition("=")
        if separator and is_filter(name):
            found.append((name, value))
        else:
            words.append(word)
    return [*found, (WORDS, " ".join(words))] if words else found


def written(pairs: Iterable[tuple[str, str]]) -> str:
    """The text that stands for these."""
    return " ".join(_word(name, value) for name, value in pairs)


def _word(name: str, value: str) -> str:
    if name == WORDS and all(_is_bare(word) for word in value.split(" ")):
        return value
    return f"{_quoted(name)}={_quoted(value)}"


def _is_bare(word: str) -> bool:
    name, separator, _ = word.partition("=")
    return _PLAIN.fullmatch(word) is not None and not (separator and is_filter(name))


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return '"{}"'.format(text.replace('"', '""'))


__all__ = ["NAMES", "WORDS", "Pairs", "parse", "written"]
