"""Usage of the machine by processes: processor time, switches, bytes written, memory."""

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.machine.server_process import Running

WRK = "wrk"


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


def usage_so_far(servers: Sequence[Running]) -> dict[str, Usage]:
    """Of each server, its master and all that it started, by its name, where the system has /proc;
    and of all wrk that ended.
    """
    found = {one.name: _total([*_tree(one.pid)]) for one in servers if _is_there(one.pid)}
    # Servers that ended are in it, too, but none ends between two looks.
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    found[WRK] = Usage(ended.ru_utime + ended.ru_stime, ended.ru_nvcsw + ended.ru_nivcsw)
    return found


def memory_of(server: Running) -> list[Memory]:
    """Of the master and each of its processes; nothing where the system has no /proc."""
    found = [_memory(f"{server.name}, worker", pid) for pid in server.workers()]
    found += [_memory(f"{server.name}, indexer", pid) for pid in server.indexers()]
    return [_memory(f"{server.name}, master", server.pid), *found] if found else []


def _total(pids: Sequence[int]) -> Usage:
    return Usage(sum(map(seconds_of, pids)), sum(map(_switches, pids)), sum(map(_written, pids)))


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


def _tree(pid: int) -> Iterator[int]:
    """A process and its children, theirs included."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def seconds_of(pid: int) -> float:
    """Seconds of processor time of a process.

    proc_pid_stat(5): utime and stime are fields 14 and 15, those of children that ended and were
    waited for the next two; field 2 may have spaces in it.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


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
