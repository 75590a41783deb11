"""Folder in memory, where the system has one, for files that need not outlive it."""

from pathlib import Path
from typing import Final

_SHM: Final = Path("/dev/shm")  # noqa: S108 - a file of it has a name that nobody can foresee


def memory_folder() -> Path | None:
    """The folder; None where there is none."""
    return _SHM if _SHM.is_dir() else None
