"""Load beside what is measured, sent by a process of its own.

In this process it would take turns with what measures, which then would be late by itself.
"""

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BEGAN = "began"
"""The first line that such a process prints, when it is ready to send."""


def say(line: str) -> None:
    """Print a line of such a process at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class DidNotBegin(Exception):
    """The process ended before it sent anything."""


@contextmanager
def beside(module: str, *arguments: str) -> Iterator[list[str]]:
    """`python -m module`, from when it began to the end of the block, by which it is killed.

    The list has the lines that it printed since, once the block is left.
    """
    printed: list[str] = []
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        output = process.stdout or io.StringIO()
        try:
            if output.readline().strip() != BEGAN:
                raise DidNotBegin(module)
            yield printed
        finally:
            process.kill()
            printed += output.read().splitlines()
