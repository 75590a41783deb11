"""Processor time, to tell work that grows with its input from work that grows with its square."""

import time
from collections.abc import Callable
from contextlib import suppress

# Of sixteen times the input: 16 where linear, up to 60 where caches no longer hold it; 256 where
# quadratic.
_LONGER, _LIMIT = 16, 100
# What is done sooner is noise.
_NOISE_SECONDS = 0.002


def is_linear(work: Callable[[str], object], text: Callable[[int], str], length: int) -> bool:
    """Whether the work on a text sixteen times as long costs no more than a hundred times as much.

    `text` gives one of about the length that it is asked for; refusing it by ValueError is work.
    """
    short, long = (_seconds(work, text(size)) for size in (length, _LONGER * length))
    return long < _LIMIT * max(short, _NOISE_SECONDS)


def _seconds(work: Callable[[str], object], text: str) -> float:
    return min(_once(work, text) for _ in range(3))


def _once(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    with suppress(ValueError):
        work(text)
    return time.process_time() - began
