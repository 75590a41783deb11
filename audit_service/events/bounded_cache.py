"""Bounded cache: the results for texts of which the same few come again and again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

MAX_ENTRIES = 1024
MAX_LENGTH = 256

Result = TypeVar("Result")


def bounded_cache(compute: Callable[[str], Result]) -> Callable[[str], Result]:
    """`compute`, with the results of the last MAX_ENTRIES texts of at most MAX_LENGTH.

    Senders choose the texts: longer ones MUST NOT be kept, or they would fill the memory.
    """
    cached = lru_cache(maxsize=MAX_ENTRIES)(compute)

    @wraps(compute)
    def looked_up(text: str) -> Result:
        return cached(text) if len(text) <= MAX_LENGTH else compute(text)

    return looked_up
