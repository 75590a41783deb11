"""Tokens of FTS5: terms in the form that its tokenizers leave as they are."""

from typing import Final

SEPARATOR: Final = "\n"


def as_tokens(terms: str) -> str:
    """The terms, with SEPARATOR between them, as TOKENIZER takes them for its tokens.

    It ends a token at each space, and takes capitals for small letters: neither is left.
    """
    return terms.encode().translate(_TOKEN_BYTES).decode()


def _token_bytes() -> bytes:
    """For each byte of a term the one of its token: control characters, of which terms have none,
    stand for capitals, and one for the space.
    """
    controls = bytes(each for each in range(1, 32) if each != ord(SEPARATOR))
    capitals = bytes(range(ord("A"), ord("Z") + 1))
    return bytes.maketrans(
        capitals + b" " + SEPARATOR.encode(), controls[: len(capitals) + 1] + b" "
    )


_TOKEN_BYTES = _token_bytes()
_TOKEN_CHARACTERS = "".join(
    chr(each) for each in range(1, 127) if not chr(each).isalnum() and chr(each) != " "
)
TOKENIZER: Final = "ascii tokenchars '" + _TOKEN_CHARACTERS.replace("'", "''") + "'"
"""The tokenizer of FTS5 for terms."""
WORD_TOKENIZER: Final = "ascii"
"""That for words: its tokens are those of `words_of`, once what is not ASCII was casefolded."""
