"""Judging a text once where the same few come again and again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

KEPT = 1024
LONGEST = 256

Verdict = TypeVar("Verdict")


def remembering(judge: Callable[[str], Verdict]) -> Callable[[str], Verdict]:
    """`judge`, which remembers what it said of the last KEPT texts that are no longer than LONGEST.

    Senders choose the texts: longer ones MUST NOT be kept, or they would fill the memory.
    """
    remembered = lru_cache(maxsize=KEPT)(judge)

    @wraps(judge)
    def judged(text: str) -> Verdict:
        return remembered(text) if len(text) <= LONGEST else judge(text)

    return judged
