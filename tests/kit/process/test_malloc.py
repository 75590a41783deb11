"""Memory that was freed is the system's again, in a process of its own."""

import platform
import subprocess
import sys

import pytest

# The first block, once freed, has glibc keep others of its size; what lies between them keeps
# them from being given back.
SCRIPT = """
from pathlib import Path
from service_kit.process.malloc import tune_malloc

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def touched(block):
    block[::4096] = b"x" * len(block[::4096])
    return block

if {tuned}:
    tune_malloc()
del (first := [bytearray(20_000_000)])[:]
before = resident()
kept = [(touched(bytearray(5_000_000)), bytearray(70_000)) for _ in range(40)]
assert resident() - before > 190_000_000
kept = [small for _, small in kept]
print(resident() - before)
"""


def kept_of_200_mb(*, tuned: bool) -> int:
    command = [sys.executable, "-c", SCRIPT.format(tuned=tuned)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is tuned")
def test_large_blocks_are_given_back_whatever_lies_between_them() -> None:
    assert kept_of_200_mb(tuned=False) > 100_000_000
    assert kept_of_200_mb(tuned=True) < 20_000_000
