"""Rounds: how many there are, how long a load lasts, and what a load has to come to."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.contenders.contender import Contender
from bench.load import wrk
from bench.load.wrk import Load, Sample
from bench.machine.server_process import Running

WARM_UP_SECONDS = 1
# What wrk leaves behind when it stops is still worked on, and takes the next one's places.
SETTLE_SECONDS = 1.0

Progress = Callable[[str], None]


class Broken(Exception):
    """A contender does not do what it is there for; the message names it and the load."""


@dataclass(frozen=True)
class Budget:
    """Rounds, and seconds for each load in each of them.

    `strict`: whether what `check` finds broken ends it all.
    """

    rounds: int
    seconds: float
    warm_up: bool = True
    strict: bool = False


def warm_up(server: Running, load: Load, budget: Budget) -> None:
    """Before anything counts, where that is asked for."""
    if budget.warm_up:
        wrk.send(server.url, load, WARM_UP_SECONDS)
        settle(budget)


def settle(budget: Budget) -> None:
    """Between two loads on one server."""
    time.sleep(SETTLE_SECONDS if budget.warm_up else 0)


def check(sample: Sample, contender: Contender, load: Load, budget: Budget) -> None:
    """Raises Broken, where that is asked for, if nothing was acknowledged, or a request failed."""
    if budget.strict and (sample.failed or not sample.events):
        what = f"{sample.events:,} acknowledged, {sample.failed:,} requests failed"
        raise Broken(f"{contender.name}, {load.name}: {what}")
