"""SQLite file: made for its owner alone, looked at for being wider, or read-only.

SQLite gives a journal, a WAL and its index the mode of the database, so that the database is all
that has to be made here. Nothing here opens a file that exists: to close it again would drop the
locks that this process has on it.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

JOURNALS: Final = ("-journal", "-wal", "-shm")
"""What follows the name of a database in the names of SQLite's own files beside it."""
_FILES: Final = ("", *JOURNALS)

log = structlog.get_logger()


def make(path: str) -> None:
    """Make the file, empty, and the folders that it lacks, whatever the umask is.

    What exists stays as it is. Raises OSError.
    """
    file = Path(path)
    _make_folder(file.parent)
    if not file.exists():
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)
        finally:
            os.close(descriptor)


def log_wider(path: str, beside: Iterable[str] = ()) -> None:
    """Log a warning for the folder, the file and each beside it that others can use.

    `beside`: what follows its name in the names of those beside it, but SQLite's own.
    """
    for found, mode, wanted in _wider(Path(path), (*_FILES, *beside)):
        log.warning(
            "others than its owner can use what holds the data",
            path=str(found),
            mode=f"{mode:04o}",
            wanted=f"{wanted:04o}",
        )


def size(path: str) -> int:
    """Bytes of the file and of those beside it."""
    file = Path(path)
    found = 0
    for suffix in _FILES:
        with suppress(FileNotFoundError):
            found += file.with_name(file.name + suffix).stat().st_size
    return found


def is_same_file(one: str, other: str) -> bool:
    """Whether two paths are, or will be, those of one file."""
    with suppress(OSError):
        return Path(one).samefile(other)
    return Path(one).resolve() == Path(other).resolve()


def are_of_one(one: str, other: str, beside: Iterable[str] = ()) -> bool:
    """Whether two paths are those of one file, or one is of what is beside the other.

    `beside`: what follows the name of a file in the names of those beside it, but SQLite's own.
    """
    return any(
        is_same_file(found + suffix, neighbour)
        for suffix in (*_FILES, *beside)
        for found, neighbour in ((one, other), (other, one))
    )


def is_read_only(path: str) -> bool:
    """Whether the file, or the disk that it is on, is read-only by now."""
    return not os.access(path, os.W_OK, effective_ids=True)


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        try:
            each.mkdir(FOLDER_MODE)
        except FileExistsError:
            continue  # Another process was faster.
        each.chmod(FOLDER_MODE)


def _wider(file: Path, suffixes: Iterable[str]) -> Iterator[tuple[Path, int, int]]:
    """What is wider than it would be made, with its mode and that one."""
    files = [(file.with_name(file.name + suffix), FILE_MODE) for suffix in suffixes]
    for path, wanted in [(file.parent, FOLDER_MODE), *files]:
        try:
            mode = path.stat().st_mode & 0o777
        except FileNotFoundError:
            continue
        if mode & ~wanted:
            yield path, mode, wanted
