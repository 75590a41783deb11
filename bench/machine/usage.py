"""Usage of the machine by processes: processor time, switches, bytes written, memory."""

import os
import resource
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.machine.server_process import Running


@dataclass(frozen=True)
class Usage:
    """Of all processes of a role: seconds of processor time, user and system; how often their
    threads were switched, of their own accord or not; and bytes that they wrote to files.
    """

    seconds: float
    switches: int
    written: int = 0


@dataclass(frozen=True)
class Memory:
    """Memory of a process, in KiB: `pss` shares out what several have in common."""

    role: str
    rss: int
    pss: int


def workers_of(server: Running) -> str:
    """The name of the role of its workers."""
    return f"{server.name}, workers"


def usage_so_far(servers: Sequence[Running]) -> dict[str, Usage]:
    """Of the workers of each server, where the system has /proc; and of all wrk that ended."""
    found = {workers_of(one): _total(pids) for one in servers if (pids := one.workers())}
    # Servers that ended are in it, too, but none ends between two looks.
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["wrk"] = Usage(ended.ru_utime + ended.ru_stime, ended.ru_nvcsw + ended.ru_nivcsw)
    return found


def memory_of(server: Running) -> list[Memory]:
    """Of the master and each worker; nothing where the system has no /proc."""
    workers = [_memory(f"{server.name}, worker", pid) for pid in server.workers()]
    return [_memory(f"{server.name}, master", server.pid), *workers] if workers else []


def _total(pids: Sequence[int]) -> Usage:
    return Usage(sum(map(_seconds, pids)), sum(map(_switches, pids)), sum(map(_written, pids)))


def _seconds(pid: int) -> float:
    """proc_pid_stat(5): utime and stime are fields 14 and 15; field 2 may have spaces in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _written(pid: int) -> int:
    """proc_pid_io(5): what it gave the kernel to write to files, whatever became of that."""
    return _numbers(Path(f"/proc/{pid}/io"))["wchar"]


def _memory(role: str, pid: int) -> Memory:
    numbers = _numbers(Path(f"/proc/{pid}/smaps_rollup"))
    return Memory(role, numbers["Rss"], numbers["Pss"])


def _switches(pid: int) -> int:
    """Of the threads that there are: the process's own status tells of its main thread only."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):  # It ended meanwhile.
            numbers = _numbers(status)
            total += numbers["voluntary_ctxt_switches"] + numbers["nonvoluntary_ctxt_switches"]
    return total


def _numbers(file: Path) -> dict[str, int]:
    """The lines of a file of /proc that are a name, a colon and a number."""
    lines = (line.split() for line in file.read_text().splitlines())
    return {
        words[0].rstrip(":"): int(words[1])
        for words in lines
        if len(words) > 1 and words[1].isdecimal()
    }
