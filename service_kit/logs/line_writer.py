"""Line writer: a bounded queue of lines, and a thread of its own that writes them.

Whoever logs only adds to the queue: a write that fails or hangs is the thread's alone. What
cannot be written, or finds the queue full, is lost and counted.
"""

import os
import select
import signal
import stat

# Of the system, whatever a server puts in their place: what waits for a reader MUST NOT be one of
# those that answer requests.
from _thread import RLock, allocate_lock, start_new_thread
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from select import poll
from time import sleep
from typing import Final

MAX_QUEUED_BYTES: Final = 32 * 1024 * 1024
GATHER_SECONDS: Final = 0.005
# What a line takes in memory beside its bytes.
_OVERHEAD = 64
_FILE_CHUNK = 64 * 1024


class LineWriter:
    """Writes lines to a file descriptor, in the order in which they were put.

    `put` MUST neither block nor raise, whatever the reader does; it may be called by any thread
    and by a signal's handler. It takes no lock but when a line is lost.
    """

    def __init__(
        self,
        fd: int,
        lost_line: Callable[[int], bytes],
        *,
        max_bytes: int = MAX_QUEUED_BYTES,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        """`lost_line` makes the line that says how many were lost, once writing works again.

        Lines that come within `gather_seconds` are written together: each write lets every other
        thread go first.
        """
        self._fd = fd
        self._lost_line = lost_line
        self._max_bytes = max_bytes
        self._gather_seconds = gather_seconds
        # Left by the thread alone.
        self._lines: deque[bytes] = deque()
        # Bytes that were put, ever, and of them those that left. Threads that put at once may
        # count one too few, which the thread sets right whenever the queue is empty.
        self._bytes_put = 0
        self._bytes_left = 0
        # Lines that found the queue full, guarded by the lock, which a handler may take again.
        self._refused = 0
        self._refusing = RLock()
        # Owned by the thread: lines that could not be written, losses that were told, and whether
        # the last write ended within a line.
        self._unwritten = 0
        self._told = 0
        self._is_torn = False
        # Whether the thread waits for `_wake`, or is about to, or has not been started.
        self._is_idle = True
        self._is_closing = False
        self._wake = allocate_lock()
        self._started = allocate_lock()
        self._ended = allocate_lock()
        self._ended.acquire()

    @property
    def lost(self) -> int:
        """Lines that were lost so far."""
        return self._refused + self._unwritten

    def put(self, line: bytes) -> None:
        """Have a line written, which ends with its line break."""
        if self._bytes_put - self._bytes_left > self._max_bytes:
            with self._refusing:
                self._refused += 1
            return
        self._bytes_put += len(line) + _OVERHEAD
        self._lines.append(line)
        # The thread looks for lines after it says that it is idle: one of the two sees the other.
        if self._is_idle:
            self._wake_up()

    def close(self, seconds: float) -> None:
        """Return once all is written and the thread has ended, or after so many seconds."""
        self._is_closing = True
        if self._lines or self._started.locked():
            self._wake_up()
            if self._ended.acquire(timeout=seconds):
                self._ended.release()

    def _wake_up(self) -> None:
        self._is_idle = False
        if self._started.acquire(blocking=False):
            self._start()
            return
        with suppress(RuntimeError):  # Another thread did.
            self._wake.release()

    def _start(self) -> None:
        """Start the thread, which takes no signal: one that it took would not be handled."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            start_new_thread(self._run, ())
        except RuntimeError:
            # There are too many threads. The next line tries again.
            self._is_idle = True
            self._started.release()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _run(self) -> None:
        chunk = select.PIPE_BUF if _mixes_long_writes(self._fd) else _FILE_CHUNK
        while not (self._is_closing and not self._lines):
            if not self._is_closing:
                sleep(self._gather_seconds)
            try:
                self._write_queued(chunk)
            except Exception:  # noqa: BLE001 - without memory, for one: whatever it is, it goes on
                self._unwritten += 1
            self._is_idle = True
            if not self._lines and not self._is_closing:
                self._wake.acquire()
            self._is_idle = False
        self._ended.release()

    def _write_queued(self, chunk: int) -> None:
        unwritten = 0
        while self._lines:
            lines = self._take(chunk)
            unwritten = self._write(b"".join(lines))
            self._unwritten += unwritten
            self._bytes_left += sum(map(len, lines)) + _OVERHEAD * len(lines)
        self._bytes_left = self._bytes_put
        if not unwritten and (lost := self.lost) > self._told:
            self._told, told = lost, self._told
            if self._write(self._lost_line(lost - told)):
                self._told = told

    def _take(self, chunk: int) -> list[bytes]:
        """The next lines, as many as fit into a chunk; one that does not is a chunk alone."""
        lines = [self._lines.popleft()]
        room = chunk - len(lines[0])
        while self._lines and len(self._lines[0]) <= room:
            room -= len(self._lines[0])
            lines.append(self._lines.popleft())
        return lines

    def _write(self, lines: bytes) -> int:
        """Write them, and return how many of them were lost."""
        # What a full disk cut short stays a line of its own.
        rest = b"\n" + lines if self._is_torn else lines
        try:
            while rest:
                try:
                    written = os.write(self._fd, rest)
                except BlockingIOError:
                    _wait_for_room(self._fd)
                    continue
                self._is_torn = not rest[:written].endswith(b"\n")
                rest = rest[written:]
        except OSError:
            return min(rest.count(b"\n"), lines.count(b"\n"))
        return 0


def _mixes_long_writes(fd: int) -> bool:
    """Whether only short writes stay whole beside those of other processes: not in a file."""
    try:
        return not stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return True


def _wait_for_room(fd: int) -> None:
    """Wait where whoever shares the descriptor has made it one that does not block."""
    waiting = poll()
    waiting.register(fd, select.POLLOUT)
    waiting.poll(1000)
