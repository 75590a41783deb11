"""Contender: a server that is measured, and the loads that are sent to it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.load.wrk import Load
from bench.machine.server_process import Running


@dataclass(frozen=True)
class Contender:
    """A server and what is sent to the first of the processes that `start` gives."""

    name: str
    start: Callable[[], AbstractContextManager[Sequence[Running]]]
    loads: Sequence[Load]
