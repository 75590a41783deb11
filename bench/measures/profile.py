"""Processor time by layer: samples in runs of their own, as taking them costs.

A sample is the stack of one thread at the moment when its process had used another
SAMPLE_SECONDS of processor time, user and system: of the thread that used it, whether it held the
GIL or was in C or the kernel without it. Waiting for a core, the GIL, a lock or the disk uses none
and is in no sample.

The workers take them of themselves, by a timer of the kernel and `faulthandler` (see `sampler`).
A profiler that looks from outside, such as py-spy, is no help here: what it takes for running is
every thread that is ready to run, and most of those have just been woken and wait for a core; and
between its look at the threads' states and its look at their stacks, requests come and go.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contenders.services import Workspace
from bench.load.wrk import Load
from bench.machine.server_process import Running, workers_of
from bench.measures.layers import Layer, layer_of
from bench.measures.rates import Broken, Budget, Contender, Progress, run, settle, warm_up

SAMPLE_SECONDS = 0.01
HOW_IT_IS_POSSIBLE = "it takes Linux, which tells of other processes in /proc"

_BEGIN = re.compile(r"^.*\(most recent call first\):$", re.MULTILINE)
_FILE = re.compile(r'^  File "(.*)", line ', re.MULTILINE)


@dataclass(frozen=True)
class Profile:
    """How many samples of a server's workers fell into each layer, in all rounds."""

    contender: str
    load: Load
    samples: Mapping[Layer, int]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.samples.values())

    def share(self, layer: Layer) -> float:
        """Of all samples, from 0 to 1; of none it is 0."""
        return self.samples.get(layer, 0) / (self.total or 1)


def is_possible() -> bool:
    """Whether it is, here."""
    return Path("/proc/self/stat").exists()


def sampled(workspace: Workspace) -> Workspace:
    """The same workspace, where servers' workers take samples of themselves."""
    environ = {
        "PYTHONPATH": str(Path(__file__).parent / "sampler"),
        "BENCH_SAMPLES": str(workspace.output),
        "BENCH_SAMPLE_SECONDS": str(SAMPLE_SECONDS),
    }
    return replace(workspace, environ=environ)


def measure(
    contenders: Sequence[Contender], samples: Path, budget: Budget, progress: Progress
) -> Sequence[Profile]:
    """Of each load of each contender, in rounds; only of the first of a contender's servers.

    They are at a `sampled` workspace, whose `output` is `samples`.
    """
    counted: dict[tuple[str, Load], Counter[Layer]] = {}
    for number in range(1, budget.rounds + 1):
        for contender in contenders:
            for one_load, found in _measured(contender, samples, budget):
                counted.setdefault((contender.name, one_load), Counter()).update(found)
                progress(f"{number}: {contender.name}, {one_load.name}: {found.total()} samples")
    return [Profile(name, one_load, found) for (name, one_load), found in counted.items()]


def _measured(
    contender: Contender, samples: Path, budget: Budget
) -> Iterator[tuple[Load, Counter[Layer]]]:
    with contender.start() as running:
        warm_up(running[0], contender, budget)
        for one_load in contender.loads:
            _taken(running[0], samples)
            # A request may fail here: taking a stack disturbs a worker now and then. Where nothing
            # is looked at, none did.
            run(running[0], contender, one_load, replace(budget, strict=False))
            found = Counter(map(layer_of, _taken(running[0], samples)))
            if budget.strict and not found:
                raise Broken(f"{contender.name}, {one_load.name}: no sample was taken")
            yield one_load, found
            settle(budget)


def _taken(server: Running, samples: Path) -> Sequence[Sequence[str]]:
    """The files of each stack, innermost first, of the samples that were taken since this was
    asked last.
    """
    stacks: list[Sequence[str]] = []
    for pid in workers_of(server):
        file = samples / str(pid)
        if not file.exists():
            continue  # It has just taken the place of another.
        text = file.read_text(errors="replace")
        file.write_bytes(b"")  # It is open for appending, and goes on from its new end.
        stacks += [_FILE.findall(stack) for stack in _BEGIN.split(text)[1:]]
    return stacks
