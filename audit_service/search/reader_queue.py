"""Queue of a reader: frames that wait for it, bounded for it and for all readers together."""

from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True)
class QueueBounds:
    """The most frames that wait for a reader, the most bytes of them beyond the first, and of
    those that wait for any reader, again beyond the first.
    """

    waiting: int = 100
    bytes: int = 1024 * 1024
    bytes_of_all: int = 16 * 1024 * 1024


QUEUE_BOUNDS: Final = QueueBounds()


class Frame:
    """What is sent of the record at a position: one for all readers that are sent it."""

    __slots__ = ("position", "queues", "text")

    def __init__(self, position: int, text: bytes) -> None:
        self.position = position
        self.text = text
        self.queues = 0
        """In how many it waits."""


class Frames:
    """All frames that wait for any reader, each counted once."""

    def __init__(self, bounds: QueueBounds = QUEUE_BOUNDS) -> None:
        self.bounds: Final = bounds
        self._size = 0

    def add(self, frame: Frame) -> bool:
        """Whether there was room for it in one more queue."""
        if frame.queues == 0:
            if self._size and self._size + len(frame.text) > self.bounds.bytes_of_all:
                return False
            self._size += len(frame.text)
        frame.queues += 1
        return True

    def remove(self, frame: Frame) -> None:
        """Count it in one queue less."""
        frame.queues -= 1
        if frame.queues == 0:
            self._size -= len(frame.text)


class Handed(NamedTuple):
    """Frames of what matches, up to a position; `is_behind`: what matches after it is to be read
    from the log.
    """

    frames: bytes
    position: int
    is_behind: bool


class ReaderQueue:
    """What waits for a reader. What is not taken in time is not kept: it has fallen behind."""

    def __init__(self, position: int, frames: Frames) -> None:
        """`position`: up to which it has had all."""
        self.position = position
        """All that matches up to here was taken, or waits."""
        self._frames = frames
        self._waiting: list[Frame] = []
        self._size = 0
        self._is_behind = False

    @property
    def has_something(self) -> bool:
        """Whether there is a reason to take."""
        return bool(self._waiting) or self._is_behind

    def put(self, frame: Frame) -> None:
        """Have a frame wait, which follows those that do, where there is room."""
        bounds = self._frames.bounds
        has_room = len(self._waiting) < bounds.waiting and (
            not self._waiting or self._size + len(frame.text) <= bounds.bytes
        )
        if self._is_behind or not has_room or not self._frames.add(frame):
            self._is_behind = True
            return
        self._waiting.append(frame)
        self._size += len(frame.text)
        self.position = frame.position

    def fall_behind(self) -> None:
        """Put nothing any more."""
        self._is_behind = True

    def take(self) -> Handed:
        """All that waits."""
        for frame in self._waiting:
            self._frames.remove(frame)
        frames = b"".join(frame.text for frame in self._waiting)
        self._waiting, self._size = [], 0
        return Handed(frames, self.position, self._is_behind)
