"""Values of a JSON text, counted before any of them is built.

A text of 3 bytes a value makes objects of 20 to 100 times its size: what bounds the memory is
the number of values, which no bound on the text does.
"""

import re

# One that is not closed goes on to the end: tried once, so that no text takes long.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def at_most(text: bytes) -> int:
    """Members and items that the text has at most, nested ones included, by its punctuation.

    Within strings it is counted, too: a fast bound, not their number.
    """
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def are_more_than(limit: int, text: bytes) -> bool:
    """Whether a text has more members and items than that; if it is JSON, for only then are
    these told from others.

    An empty object or array counts as one. It takes no more memory than the longest string.
    """
    left = at_most(text)
    if left <= limit:
        return False
    # So many values have so many strings at most, and names, or the text is one string; more
    # need not be looked through.
    most = 2 * limit + 1
    for strings, found in enumerate(_STRING.finditer(text), 1):
        left -= at_most(found[0])
        if left <= limit or strings > most:
            return strings > most
    return True
