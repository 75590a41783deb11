"""Disk reserve: room that is left free, so that what reads, settles and deletes goes on working.

Below it nothing new is written. It is for SQLite, whose disk is this machine's.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

import structlog

from service_kit.database_url import Database, SqliteFile
from service_kit.settings.byte_size import AUTO, ReserveSize

MOST_BYTES: Final = 512 * 1024 * 1024
PERCENT: Final = 5
"""The reserve where it is `auto`: so much of the disk, and no more than MOST_BYTES."""
LOOK_SECONDS: Final = 1.0

HasRoom = Callable[[int], bool]
"""Whether about so many bytes may be written; what is written is counted."""

log = structlog.get_logger()


class Level(IntEnum):
    """Room on a disk: enough, below twice the reserve, or below it."""

    OK = 0
    LOW = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a disk, and those of them that an ordinary user may still fill."""

    total: int
    free: int


def always(_: int) -> bool:
    """There is always room."""
    return True


def space_at(path: str) -> Space:
    """The disk that a file is on. Raises OSError."""
    found = os.statvfs(path)
    return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)


class DiskReserve:
    """Reserve of the disk that a file is on. Safe for any number of threads.

    It looks at the disk once a second at most, and counts what is written in between.
    """

    def __init__(
        self,
        path: str | None,
        size: ReserveSize,
        *,
        clock: Callable[[], float] = time.monotonic,
        measure: Callable[[str], Space] = space_at,
    ) -> None:
        """`path`: None for a database that is on no disk of ours, which always has room."""
        self._path = path
        self._size = size
        self._clock = clock
        self._measure = measure
        self._lock = threading.Lock()
        # Guarded by _lock.
        self._looked_at: float | None = None
        self._space: Space | None = None
        self._written = 0  # since then
        self._logged = Level.OK

    @classmethod
    def of(cls, database: Database, size: ReserveSize) -> Self:
        """The reserve of a database's disk."""
        return cls(database.path if isinstance(database, SqliteFile) else None, size)

    def has_room(self, size: int) -> bool:
        """Whether about `size` bytes may be written; True counts them as written."""
        return self._may_write(size, Level.LOW)

    def has_ample_room(self, size: int) -> bool:
        """The same for what is to leave room for others: twice the reserve stays free."""
        return self._may_write(size, Level.OK)

    def reports(self) -> Mapping[str, Callable[[], Any]]:
        """What readiness shows beside its checks: `disk`, where there is one of ours."""
        return {} if self._path is None else {"disk": self._report}

    def _may_write(self, size: int, most: Level) -> bool:
        self._look()
        with self._lock:
            if self._level(size) > most:
                return False
            self._written += size
        return True

    def _report(self) -> Mapping[str, Any]:
        space, level = self._look()
        if space is None:
            return {"state": "unknown"}
        return {
            "state": level.name.lower(),
            "free_bytes": space.free,
            "reserve_bytes": self._reserve(space),
        }

    def _look(self) -> tuple[Space | None, Level]:
        """The disk, not older than a second, and how much room it has; a change is logged."""
        if self._path is None:
            return None, Level.OK
        with self._lock:
            now = self._clock()
            if self._looked_at is None or now - self._looked_at >= LOOK_SECONDS:
                self._looked_at, self._written = now, 0
                self._space = _space_or_none(self._measure, self._path)
            space, level = self._space, self._level()
            # What was said holds until there is room for good: no line for each time around.
            news = level > self._logged or (level is Level.OK and self._logged > level)
            if news:
                self._logged = level
        if news and space is not None:
            self._log(space, level)
        return space, level

    def _level(self, size: int = 0) -> Level:
        """The level once `size` bytes more are written."""
        if self._space is None:
            return Level.OK
        free, reserve = self._space.free - self._written - size, self._reserve(self._space)
        if free < reserve:
            return Level.FULL
        return Level.LOW if free < 2 * reserve else Level.OK

    def _reserve(self, space: Space) -> int:
        if self._size == AUTO:
            return min(MOST_BYTES, space.total * PERCENT // 100)
        return self._size

    def _log(self, space: Space, level: Level) -> None:
        fields = {"path": self._path, "free": space.free, "reserve": self._reserve(space)}
        if level is Level.FULL:
            log.error("the disk is full up to its reserve: nothing new is stored", **fields)
        elif level is Level.LOW:
            log.warning("the disk is getting full", **fields)
        else:
            log.info("the disk has room again", **fields)


def _space_or_none(measure: Callable[[str], Space], path: str) -> Space | None:
    """None where the disk cannot be looked at: then the store says what is wrong with it."""
    try:
        return measure(path)
    except OSError:
        return None
