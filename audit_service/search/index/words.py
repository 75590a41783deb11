"""Words of an event for an index: a text of which the tokenizer finds those of the predicate."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from audit_service.search.contents import words_of

PARTIAL_WORDS: Final = "\ue000"
"""The word of an event of whose words some were left out: a character that is in no word."""
MOST_CHARACTERS: Final = 64 * 1024
"""Of the texts of which an event's words are."""


def words_text(texts: Iterable[str], *, is_whole: bool) -> str:
    """The text for these texts; `is_whole`: they are all that the event has."""
    text = " ".join(texts)
    if len(text) > MOST_CHARACTERS:
        # Whole texts only: a part of a word is no word.
        texts, is_whole = takewhile(_Room(MOST_CHARACTERS), texts), False
        text = " ".join(texts)
    if not text.isascii():
        text = " ".join(words_of(text))
    return text if is_whole else f"{text} {PARTIAL_WORDS}"


class _Room:
    """Whether there is room for another text."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def __call__(self, text: str) -> bool:
        self._left -= len(text)
        return self._left >= 0
