"""Cost of a load, by the role of processes: processor time, switches, bytes written."""

import math
import os
import resource
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.load.wrk import Load, Sample
from bench.machine.server_process import Running, workers_of


@dataclass(frozen=True)
class Usage:
    """Of all processes of a role: seconds of processor time, user and system; how often their
    threads were switched, of their own accord or not; and bytes that they wrote to
    files.
    """

    seconds: float
    switches: int
    written: int = 0


@dataclass(frozen=True)
class Cost:
    """Of a role: `an_event`, seconds of processor time for each event, or user, that was
    acknowledged; `cores`, the same for each second; `switches`, for each request acknowledged;
    `written`, bytes to files for each event.
    """

    an_event: float
    cores: float
    switches: float
    written: float


def workers(server: Running) -> str:
    """What the role of its workers is called."""
    return f"{server.name}, workers"


def so_far(servers: Sequence[Running]) -> dict[str, Usage]:
    """Of the workers of each server, where the system has /proc; and of all wrk that ended."""
    found = {workers(server): _total(pids) for server in servers if (pids := workers_of(server))}
    # Servers that ended are in it, too, but none ends between two looks.
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["wrk"] = Usage(ended.ru_utime + ended.ru_stime, ended.ru_nvcsw + ended.ru_nivcsw)
    return found


def costs(
    before: Mapping[str, Usage], after: Mapping[str, Usage], load: Load, sample: Sample
) -> dict[str, Cost]:
    """Of each role, for the load that ran between the two."""
    return {role: _cost(before[role], after[role], load, sample) for role in before}


def _cost(before: Usage, after: Usage, load: Load, sample: Sample) -> Cost:
    seconds = after.seconds - before.seconds
    events = sample.events or math.nan
    switches = (after.switches - before.switches) * load.events / events
    written = (after.written - before.written) / events
    return Cost(seconds / events, seconds / sample.seconds, switches, written)


def _total(pids: Sequence[int]) -> Usage:
    return Usage(sum(map(_seconds, pids)), sum(map(_switches, pids)), sum(map(_written, pids)))


def _seconds(pid: int) -> float:
    """proc_pid_stat(5): utime and stime are fields 14 and 15; field 2 may have spaces in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _written(pid: int) -> int:
    """proc_pid_io(5): what it gave the kernel to write to files, whatever became of that."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def _switches(pid: int) -> int:
    """Of the threads that there are: the process's own status tells of its main thread only."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):  # It ended meanwhile.
            lines = status.read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if "ctxt_switches:" in line)
    return total
