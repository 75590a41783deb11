"""Ordered work: done in processes beside each other, its results in the order of the work."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

T = TypeVar("T")

FEW: Final = 4
"""Pieces of work for which no process is started."""
AHEAD: Final = 3
"""Pieces for each process that are begun before their results are wanted: memory has a bound."""


def in_order(work: Iterator[Callable[[], T]]) -> Iterator[T]:
    """What each piece returns, which can be sent between processes, as the piece itself can.

    What one raises is raised in its turn.
    """
    first = list(islice(work, FEW + 1))
    if len(first) <= FEW:
        yield from (each() for each in first)
        return
    processes = os.cpu_count() or 1
    # Not forked: this process may have threads, and connections that no other may use.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        begun: deque[Future[T]] = deque()
        try:
            for each in chain(first, work):
                begun.append(pool.submit(each))
                if len(begun) > AHEAD * processes:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for left in begun:
                left.cancel()
