"""Place of an index: the file that is there, and whether it is one that may be removed."""

import os
from pathlib import Path
from typing import Final

from audit_service.search.index.faults import NotAnIndex
from service_kit import sqlite_file

APPLICATION: Final = int.from_bytes(b"CEix")
"""The `application_id` of the file: no other database is taken for an index, and removed."""
NAME_END: Final = "-index"
_REBUILD: Final = "-rebuild"
_MAGIC: Final = b"SQLite format 3\0"
# Section 1.3 of SQLite's file format.
_APPLICATION_AT: Final = 68
_HEADER_BYTES: Final = 72


def remove(path: str) -> None:
    """Remove the file and what is beside it: the file first, so that nobody opens it.

    MUST be called by who may `create` it. Raises NotAnIndex, OSError.
    """
    check_may_remove(path)
    for suffix in ("", "-wal", "-shm", "-journal", _REBUILD):
        Path(path + suffix).unlink(missing_ok=True)


def check_may_remove(path: str) -> None:
    """Raise NotAnIndex where there is a file that is none, as far as its begin says so.

    One that is no database at all is one only by its name: nothing else tells whether it was one.
    MUST NOT be called while this process has the file open, which would drop its locks.
    Raises OSError.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path has no advantage
            begin = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return
    if begin.startswith(_MAGIC):
        is_index = begin[_APPLICATION_AT:_HEADER_BYTES] == APPLICATION.to_bytes(4)
    else:
        is_index = not begin or path.endswith(NAME_END)
    if not is_index:
        raise NotAnIndex(f"there is no index at {path}, but another file")


def ask_for_rebuild(path: str) -> None:
    """Have whoever writes to it make it anew. Raises OSError."""
    sqlite_file.make(path + _REBUILD)


def is_to_be_rebuilt(path: str) -> bool:
    """Whether somebody has asked for it."""
    return identity(path + _REBUILD) is not None


def identity(path: str) -> tuple[int, int] | None:
    """Device and inode of the file, None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path takes three times as long, at each query
    except OSError:
        return None
    return found.st_dev, found.st_ino
