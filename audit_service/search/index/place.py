"""Place of an index: the file that is there, and whether it is one that may be removed."""

import os
from pathlib import Path
from typing import Final

from audit_service.files_beside import INDEX_MADE, INDEX_REBUILD
from audit_service.search.index.faults import NotAnIndex
from service_kit import sqlite_file

APPLICATION: Final = int.from_bytes(b"CEix")
"""The `application_id` of the file: no other database is taken for an index, and removed."""
_REMOVED: Final = (*sqlite_file.JOURNALS, INDEX_REBUILD, INDEX_MADE)
_MAGIC: Final = b"SQLite format 3\0"
# Section 1.3 of SQLite's file format.
_APPLICATION_AT: Final = 68
_HEADER_BYTES: Final = 72


def remove(path: str) -> None:
    """Remove the file and what is beside it but the lock: the file first, so that nobody opens it.

    MUST be called by who may `create` it. Raises NotAnIndex, OSError.
    """
    check_may_remove(path)
    for suffix in ("", *_REMOVED):
        Path(path + suffix).unlink(missing_ok=True)


def check_may_remove(path: str) -> None:
    """Raise NotAnIndex where there is a file that is none, as far as its begin says so.

    One that is no database at all is one only if an index was made there: it was damaged.
    MUST NOT be called while this process has the file open, which would drop its locks.
    Raises OSError.
    """
    begin = _begin(path)
    if begin.startswith(_MAGIC):
        is_index = begin[_APPLICATION_AT:_HEADER_BYTES] == APPLICATION.to_bytes(4)
    else:
        is_index = not begin or identity(path + INDEX_MADE) is not None
    if not is_index:
        raise NotAnIndex(f"there is no index at {path}, but another file")
    for suffix in _REMOVED:
        # SQLite itself removes what it takes for a journal of its own.
        if _begin(path + suffix).startswith(_MAGIC):
            raise NotAnIndex(f"there is another database at {path}{suffix}")


def note_made(path: str) -> None:
    """Note that an index was made there. Raises OSError."""
    sqlite_file.make(path + INDEX_MADE)


def ask_for_rebuild(path: str) -> None:
    """Have whoever writes to it make it anew. Raises OSError."""
    sqlite_file.make(path + INDEX_REBUILD)


def is_to_be_rebuilt(path: str) -> bool:
    """Whether somebody has asked for it."""
    return identity(path + INDEX_REBUILD) is not None


def identity(path: str) -> tuple[int, int] | None:
    """Device and inode of the file, None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path takes three times as long, at each query
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return b""
