"""Indexer: follows the log, and adds what comes to its index, step by step."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import apsw
import structlog

from audit_service.files_beside import INDEX_LOCK
from audit_service.log import Backend, LogUnavailable
from audit_service.search.index import place
from audit_service.search.index.faults import (
    IndexDamaged,
    IndexForeign,
    IndexUnusable,
    index_errors,
)
from audit_service.search.index.mark import check_mark
from audit_service.search.index.prepared import STEP_RECORDS, read_batch
from audit_service.search.index.value_counts import MOST_VALUES
from audit_service.search.index.writer import IndexWriter
from service_kit import sqlite_file
from service_kit.disk_reserve import HasRoom

log = structlog.get_logger()

POLL_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 1.0
BYTES_PER_RECORD: Final = 512
"""About what a record takes in the index, and in its journal."""


class Indexer:
    """Keeps one index file: what is wrong with it makes it anew. The log is never touched."""

    def __init__(
        self, backend: Backend, path: str, has_room: HasRoom, most_values: int = MOST_VALUES
    ) -> None:
        """`has_room`: asked before it writes so many bytes; `most_values`: see ValueCounts."""
        self._backend = backend
        self._path = path
        self._has_room = has_room
        self._most_values = most_values
        self._writer: IndexWriter | None = None
        self._file: tuple[int, int] | None = None
        self._fault = ""

    @property
    def position(self) -> int:
        """How far it came; 0 where it has no file open."""
        return self._writer.position if self._writer else 0

    def step(self) -> int:
        """Add what follows, some thousand events at most; how many it was.

        0, too, where it cannot now, which is said once. Raises LogUnavailable.
        """
        try:
            writer = self._current()
            if not self._has_room(STEP_RECORDS * BYTES_PER_RECORD):
                self._say("the disk has no room beyond twice its reserve")
                return 0
            return self._add(writer)
        except (IndexForeign, IndexDamaged) as error:
            self._say(str(error), "the index is made anew")
            self.close()
            self._remove()
        except IndexUnusable as error:
            # A full disk, or another process that holds the file: it may be over soon.
            self._say(str(error))
            self.close()
        return 0

    def close(self) -> None:
        """Close the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(apsw.Error):
                writer.close()

    def _add(self, writer: IndexWriter) -> int:
        batch = None
        if self._backend.last() > writer.position:
            batch = read_batch(self._backend, writer.position)
        if batch is None:
            return 0
        first = self._backend.heading(1)
        if first is None:
            raise IndexForeign("the log is empty")
        with index_errors():
            writer.add(batch, first)
        self._fault = ""
        return len(batch.events)

    def _current(self) -> IndexWriter:
        """The writer of the file that is there now, which is of this log."""
        if place.is_to_be_rebuilt(self._path):
            raise IndexDamaged("a rebuild was asked for")
        if self._writer is not None and place.identity(self._path) != self._file:
            self._say("the file is gone", "the index is made anew")
            self.close()
        if self._writer is None:
            with index_errors():
                self._writer = IndexWriter(self._path, self._most_values)
            self._file = place.identity(self._path)
        if self._writer.mark is not None:
            check_mark(self._writer.mark, self._backend)
        return self._writer

    def _remove(self) -> None:
        try:
            with index_errors():
                place.remove(self._path)
        except IndexUnusable as error:
            self._say(str(error))

    def _say(self, reason: str, message: str = "the index cannot be written") -> None:
        if self._fault != reason:
            log.warning(message, reason=reason)
        self._fault = reason


def follow(indexer: Indexer, stop: threading.Event) -> None:
    """Add what comes until the event is set; while the log cannot be read, try again."""
    is_available = True
    while not stop.is_set():
        try:
            added = indexer.step()
            is_available = True
        except LogUnavailable as error:
            if is_available:
                log.warning("the log cannot be indexed", reason=str(error))
            is_available = False
            stop.wait(RETRY_SECONDS)
            continue
        if not added:
            stop.wait(POLL_SECONDS)


def follow_alone(indexer: Indexer, path: str, stop: threading.Event) -> None:
    """The same, once no other process does; while nobody can lock the index, try again."""
    fault = ""
    while not stop.is_set():
        try:
            with sole_indexer(path, stop) as is_sole:
                if is_sole:
                    follow(indexer, stop)
        except OSError as error:
            if fault != str(error):
                log.warning("the index cannot be locked", reason=str(error))
            fault = str(error)
            stop.wait(RETRY_SECONDS)


@contextmanager
def sole_indexer(path: str, stop: threading.Event | None = None) -> Iterator[bool]:
    """Whether this process is the one that may write to the index, until the block ends.

    It waits for another until `stop` is set; without one not at all. Raises OSError.
    """
    descriptor = _open_lock(path)
    try:
        is_sole = _lock(descriptor)
        while not is_sole and stop is not None and not stop.wait(RETRY_SECONDS):
            is_sole = _lock(descriptor)
        if is_sole and not _is_there(descriptor, path):
            # It was removed meanwhile, and another may have the one that is there now.
            raise OSError("the lock is another file now")
        yield is_sole
    finally:
        os.close(descriptor)


def _open_lock(path: str) -> int:
    sqlite_file.make(path + INDEX_LOCK)
    return os.open(path + INDEX_LOCK, os.O_RDWR | os.O_CLOEXEC)


def _is_there(descriptor: int, path: str) -> bool:
    found = os.fstat(descriptor)
    return place.identity(path + INDEX_LOCK) == (found.st_dev, found.st_ino)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
