"""Indexer: follows the log, and adds what comes to its index, step by step."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import apsw
import structlog

from audit_service.files_beside import INDEX_LOCK
from audit_service.log import Backend
from audit_service.log.recent_records import STEP_RECORDS, RecentRecords
from audit_service.search.index import place
from audit_service.search.index.faults import (
    IndexDamaged,
    IndexForeign,
    IndexUnusable,
    index_errors,
)
from audit_service.search.index.mark import check_mark
from audit_service.search.index.prepared import read_batch
from audit_service.search.index.value_counts import MOST_VALUES
from audit_service.search.index.writer import IndexWriter
from service_kit import sqlite_file
from service_kit.disk_reserve import HasRoom

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0
BYTES_PER_RECORD: Final = 512
"""About what a record takes in the index, and in its journal."""


class Indexer:
    """Keeps one index file: what is wrong with it makes it anew. The log is never touched."""

    def __init__(
        self,
        backend: Backend,
        path: str,
        has_room: HasRoom,
        records: RecentRecords | None = None,
        most_values: int = MOST_VALUES,
    ) -> None:
        """`has_room`: asked before it writes so many bytes; `most_values`: see ValueCounts."""
        self._backend, self._path, self._has_room = backend, path, has_room
        self._records = records or RecentRecords(backend)
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
        batch = read_batch(self._records, writer.position)
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


class SoleIndexer:
    """An indexer that adds something only once no other process does, which keeps others off."""

    def __init__(
        self, indexer: Indexer, path: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._indexer = indexer
        self._path = path
        self._clock = clock
        self._lock = ExitStack()
        self._is_sole = False
        self._retry_at = float("-inf")
        self._fault = ""

    def step(self) -> int:
        """See Indexer; 0, too, while another process does, or nobody can lock the index."""
        if not self._is_sole and self._clock() >= self._retry_at:
            self._try_to_lock()
        return self._indexer.step() if self._is_sole else 0

    def close(self) -> None:
        """Close the file, and let go of the lock."""
        self._indexer.close()
        self._lock.close()
        self._is_sole = False

    def _try_to_lock(self) -> None:
        self._retry_at = self._clock() + RETRY_SECONDS
        with ExitStack() as lock:
            try:
                self._is_sole = lock.enter_context(sole_indexer(self._path))
            except OSError as error:
                if self._fault != str(error):
                    log.warning("the index cannot be locked", reason=str(error))
                self._fault = str(error)
            if self._is_sole:
                self._lock = lock.pop_all()


@contextmanager
def sole_indexer(path: str) -> Iterator[bool]:
    """Whether this process is the one that may write to the index, until the block ends.

    Raises OSError.
    """
    descriptor = _open_lock(path)
    try:
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
