"""Text as it may be shown: what does not show, or reorders what is around it, is written out."""

import re
from typing import Final

MOST_CHARACTERS: Final = 200
"""Of a value in the list; the detail has more."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufff9-\ufffb]"
)
_PICTURES: Final = 0x2400
_SPACE: Final = 0x20


def visible(text: str) -> str:
    """The text with a sign in place of each character that does not show: `␛`, `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: _sign(ord(found[0])), text)


def short(text: str, most: int = MOST_CHARACTERS) -> str:
    """Its begin, with an ellipsis where there is more."""
    return visible(text if len(text) <= most else text[:most] + "…")


def _sign(character: int) -> str:
    return chr(_PICTURES + character) if character < _SPACE else f"⟨U+{character:04X}⟩"
