"""Profile: processor time by layer, sampled in runs of their own, as taking samples costs.

A sample is the stack of one thread at the moment when its process had used another
SAMPLE_SECONDS of processor time, user and system: of the thread that used it, whether it held the
GIL or was in C or the kernel without it. Waiting for a core, the GIL, a lock or the disk uses none
and is in no sample.

The workers take them of themselves, by a timer of the kernel and `faulthandler` (see `sampler`).
A profiler that looks from outside, such as py-spy, is no help here: what it takes for running is
every thread that is ready to run, and most of those have just been woken and wait for a core; and
between its look at the threads' states and its look at their stacks, requests come and go.

A worker can die of its sample. CPython 3.11 begins to evaluate a frame by making room on the C
stack for what points to it (`cframe` in `_PyEval_EvalFrameDefault`), and fills that in a few
instructions later. Where the signal comes in between, `faulthandler` follows a pointer to nowhere,
and the worker ends by SIGSEGV. Such a run is thrown away and done again.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contenders.contender import Contender
from bench.load import wrk
from bench.load.wrk import Load
from bench.machine.server_process import Running
from bench.machine.workspace import Workspace
from bench.measures.layers import layer_of, missing_paths
from bench.measures.rounds import Broken, Budget, Progress, check, settle, warm_up

SAMPLE_SECONDS = 0.01
MOST_RUNS = 5
HOW_IT_IS_POSSIBLE = "it takes Linux, which tells of other processes in /proc"

_CRASHED = "was sent SIGSEGV"  # as gunicorn puts it
_BEGIN = re.compile(r"^.*\(most recent call first\):$", re.MULTILINE)
_FILE = re.compile(r'^  File "(.*)", line ', re.MULTILINE)


class SampledWorkerCrashed(Exception):
    """A worker ended by SIGSEGV while samples were taken."""


@dataclass(frozen=True)
class Profile:
    """Samples of a server's workers, by layer, in all rounds."""

    contender: str
    load: Load
    samples: Counter[str]


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

    They are in a `sampled` workspace, whose `output` is `samples`.
    """
    if budget.strict and (gone := missing_paths()):
        raise Broken(f"of the table of layers, there is no {', '.join(gone)}")
    progress("where the time goes")
    counted: dict[tuple[str, Load], Counter[str]] = {}
    for number in range(1, budget.rounds + 1):
        for contender in contenders:
            for load, found in _measured(contender, samples, budget, progress).items():
                counted.setdefault((contender.name, load), Counter()).update(found)
                progress(f"{number}: {contender.name}, {load.name}: {found.total()} samples")
    return [Profile(name, load, found) for (name, load), found in counted.items()]


def _measured(
    contender: Contender, samples: Path, budget: Budget, progress: Progress
) -> Mapping[Load, Counter[str]]:
    for _ in range(MOST_RUNS):
        try:
            return _run(contender, samples, budget)
        except SampledWorkerCrashed:
            progress(f"{contender.name}: a worker died of its sample; once more")
    raise Broken(f"{contender.name}: in each of {MOST_RUNS} runs a worker ended by SIGSEGV")


def _run(contender: Contender, samples: Path, budget: Budget) -> Mapping[Load, Counter[str]]:
    """One round of a contender. Raises SampledWorkerCrashed, and Broken as `check` does."""
    found = {}
    with contender.start() as (server, *_):
        warm_up(server, contender.loads[0], budget)
        for load in contender.loads:
            _take(server, samples)
            sample = wrk.send(server.url, load, budget.seconds)
            found[load] = Counter(map(layer_of, _take(server, samples)))
            check(sample, contender, load, budget)
            if budget.strict and not found[load]:
                raise Broken(f"{contender.name}, {load.name}: no sample was taken")
            settle(budget)
    return found


def _take(server: Running, samples: Path) -> Sequence[Sequence[str]]:
    """The files of each stack, innermost first, of the samples that were taken since this was
    asked last. Raises SampledWorkerCrashed.
    """
    if _CRASHED in server.log.read_text(errors="replace"):
        raise SampledWorkerCrashed
    stacks: list[Sequence[str]] = []
    for pid in server.workers():
        file = samples / str(pid)
        text = file.read_text(errors="replace")
        file.write_bytes(b"")  # It is open for appending, and goes on from its new end.
        stacks += [_FILE.findall(stack) for stack in _BEGIN.split(text)[1:]]
    return stacks
