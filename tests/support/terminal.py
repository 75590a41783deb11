"""Command in a pseudo-terminal of so many columns, or without one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.processes import BIN

SECONDS = 60
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Output:
    """What a command printed, as it came, and its exit code."""

    raw: str
    code: int

    @property
    def lines(self) -> list[str]:
        """Its lines, without colours."""
        return [_STYLE.sub("", line).rstrip() for line in self.raw.splitlines()]

    @property
    def has_colours(self) -> bool:
        return _STYLE.search(self.raw) is not None


def run(
    words: Sequence[str], columns: int | None = None, environ: Mapping[str, str] | None = None
) -> Output:
    """Run a command of ours: in a terminal of that width, or with its output in a pipe."""
    command = [str(BIN / words[0]), *words[1:]]
    inherited = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
    found = {**inherited, "TERM": "xterm-256color", **(environ or {})}
    if columns is None:
        done = subprocess.run(
            command, env=found, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return Output(done.stdout + done.stderr, done.returncode)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(command, env=found, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    while part := _read(ours):
        parts.append(part)
    os.close(ours)
    return Output(b"".join(parts).decode(), process.wait(SECONDS))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""  # It was closed at the other end.
