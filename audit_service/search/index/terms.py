"""Index terms of an event: texts by which an index finds it.

A term is `name=value` of an attribute, `$.PATH=value` of a field, or a mark that begins with
`?`; what a term loses of a long or odd value is made good by the predicate. Words are those of
`Contents`, left to the index's own tokenizer where that finds the same.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, NamedTuple

from audit_service.events import Tolerance, data_as_text
from audit_service.events.lossless_json import LOSSY
from audit_service.log import Record
from audit_service.search.contents import (
    ITEMS,
    Contents,
    Path,
    is_compound,
    members_of,
    text_of,
)
from audit_service.search.index.term_values import is_exact, is_kept, kept, plain
from audit_service.search.index.tokens import SEPARATOR, as_tokens
from audit_service.search.index.words import PARTIAL_WORDS, words_text

DATA: Final = "$"
"""The data in a path; no attribute has such a name."""
EVERY: Final = "?every"
"""The term of every event."""
CONFLICTING: Final = "?conflicting"
SENDER: Final = "?sender"
"""The name of the term of a sender."""
FROM_KAFKA: Final = "?kafka"
PARTIAL: Final = "?partial"
"""The term of an event of whose data something was left out."""

MOST_FIELDS: Final = 256
MOST_DEPTH: Final = 16
LONG_PATH: Final = 1000
"""Characters of a path past which its fields are left out: each has the path in its term."""
_SPECIAL = re.compile(r"[\\.\[=]")


def is_exact_field(path: Path, value: str) -> bool:
    """Whether the term of that field stands for nothing else."""
    return is_exact(value) and all(map(is_kept, path))


def attribute(name: str, value: str) -> str:
    """The term of an attribute."""
    return f"{name}={kept(value)}"


def attribute_prefix(name: str, value: str) -> str:
    """What the terms of an attribute begin with whose values begin so."""
    return f"{name}={plain(value)}"


def field(path: Path, value: str) -> str:
    """The term of a field of JSON data."""
    return f"{path_prefix(path)}={kept(value)}"


def tolerated(tolerance: Tolerance) -> str:
    """The term of a deviation that was let in."""
    return f"?tolerated.{tolerance}"


def path_prefix(path: Path) -> str:
    """What the terms of the fields at a path begin with."""
    prefix = DATA
    for step in path:
        prefix = prefix + ITEMS if step is ITEMS else _member(prefix, step)
    return prefix


class IndexTerms(NamedTuple):
    """What an index keeps of a record: tokens of its terms, and a text whose tokens are its words.

    `is_partial`: whether some were left out.
    """

    terms: str
    words: str
    is_partial: bool


def terms_of(record: Record) -> IndexTerms:
    """The terms of a record."""
    event = record.event
    terms = [EVERY]
    # Each text once: the id of a subject is often in the data, too.
    texts: dict[str, None] = {}
    for name, value in event.attributes.items():
        text = text_of(value)
        texts[text] = None
        # What is asked of an event's time is bounded by its instant.
        if name != "time":
            terms.append(f"{name}={kept(text)}")
    value = Contents(event).json
    is_whole = value is LOSSY or _add_fields(value, DATA, MOST_DEPTH, terms, texts)
    text_data = data_as_text(event) if value is LOSSY else None
    if text_data is not None:
        texts[text_data] = None
    if not is_whole:
        terms.append(PARTIAL)
    if record.conflicts_with is not None:
        terms.append(CONFLICTING)
    if record.sender is not None:
        terms.append(attribute(SENDER, record.sender))
    if record.origin is not None:
        terms.append(FROM_KAFKA)
    terms += map(tolerated, event.tolerated)
    words = words_text(texts, is_whole=is_whole)
    is_partial = not is_whole or words.endswith(PARTIAL_WORDS)
    return IndexTerms(as_tokens(SEPARATOR.join(terms)), words, is_partial)


def _add_fields(
    value: Any, prefix: str, depth: int, terms: list[str], texts: dict[str, None]
) -> bool:
    """Add the terms and texts of all scalars of a value; whether they were all."""
    if not is_compound(value):
        text = text_of(value)
        texts[text] = None
        terms.append(f"{prefix}={kept(text)}")
        return True
    if depth == 0:
        return False
    if type(value) is list:
        inner: Iterable[tuple[str | None, Any]] = zip(repeat(prefix + ITEMS), value, strict=False)
    else:
        room = LONG_PATH - len(prefix)
        inner = (
            (_member(prefix, name) if len(name) <= room else None, each)
            for name, each in members_of(value)
        )
    for inner_prefix, each in inner:
        if inner_prefix is None or len(terms) > MOST_FIELDS:
            return False
        if not _add_fields(each, inner_prefix, depth - 1, terms, texts):
            return False
    return True


@lru_cache(4096)
def _member(prefix: str, name: str) -> str:
    """The prefix of the fields of that name, which no other path has but by odd characters."""
    return f"{prefix}.{_SPECIAL.sub(_escaped, plain(name))}"


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[0]
