"""Live events: readers that follow the log are handed what arrives and matches, as it is written.

All readers of a process share one look at the log, a few times a second, which one of them takes
for all. One that falls behind goes through the log on its own: little is kept for it.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from audit_service.log import Backend, LogUnavailable, Record
from audit_service.search.expressions import Expression, Subject
from audit_service.search.reader_queue import Frame, Frames, Handed, ReaderQueue
from audit_service.search.readers import ByKey, Reader, Readers, candidates
from audit_service.search.scan import STEP_BYTES, STEP_RECORDS
from service_kit.concurrency import Concurrency, Signal

POLL_SECONDS: Final = 0.2
WAIT_SECONDS: Final = 0.7


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found up to position `last`, and for whom; `more`: there is more by now."""

    last: int
    more: bool
    found: Sequence[tuple[Reader, Frame]]


class Hub:
    """The look at the log that all readers of a process share. For callers of one concurrency."""

    def __init__(
        self,
        log: Backend,
        concurrency: Concurrency,
        write: Callable[[Record], bytes],
        is_over: Callable[[], bool],
        frames: Frames | None = None,
    ) -> None:
        """`write`: makes what is sent of a record; `is_over`: whether nobody waits any more;
        `frames`: in which those wait that are sent.
        """
        self._log = log
        self._concurrency = concurrency
        self._run = concurrency.runner(1)
        self._write = write
        self._is_over = is_over
        self._lock = threading.Lock()
        # Guarded by _lock.
        self._readers = Readers()
        self._frames = frames or Frames()
        self._position = 0
        self._idle: dict[Reader, Signal] = {}
        self._is_led = False
        # Of whoever leads.
        self._looked_at = float("-inf")

    def join(self, expression: Expression, position: int) -> Reader | None:
        """A reader that has had all up to a position; None where the hub is further than that, and
        it has to go through the log first.
        """
        with self._lock:
            if not self._readers:
                self._position = position
            if position < self._position:
                return None
            reader = Reader(expression, ReaderQueue(position, self._frames))
            self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Hand it nothing any more."""
        with self._lock:
            reader.queue.take()
            self._readers.remove(reader)

    def next(self, reader: Reader, deadline: float) -> Handed:
        """What has arrived and matches, once there is something; nothing at `deadline` (of
        time.monotonic), or once it has fallen behind or all is over.
        """
        try:
            while not self._is_due(reader, deadline):
                signal = self._signal_unless_it_leads(reader)
                if signal is None:
                    self._lead(reader, deadline)
                else:
                    # Not until then: who leads may be held up while all is over.
                    left = min(deadline - time.monotonic(), WAIT_SECONDS)
                    signal.acquire(timeout=max(0.0, left))
                    self._end_waiting(reader)
        finally:
            self._end_waiting(reader)
        with self._lock:
            handed = reader.queue.take()
            if handed.is_behind:
                return handed
            return handed._replace(position=max(handed.position, self._position))

    def pause(self, seconds: float) -> None:
        """Wait, and hold up nobody."""
        self._concurrency.signal().acquire(timeout=seconds)

    def _is_due(self, reader: Reader, deadline: float) -> bool:
        return reader.queue.has_something or self._is_over() or time.monotonic() >= deadline

    def _signal_unless_it_leads(self, reader: Reader) -> Signal | None:
        """What a reader is woken by; None where nobody leads, and it does from now on."""
        with self._lock:
            if not self._is_led:
                self._is_led = True
                return None
            signal = self._concurrency.signal()
            if reader.queue.has_something:
                signal.release()
            else:
                self._idle[reader] = signal
            return signal

    def _lead(self, reader: Reader, deadline: float) -> None:
        """Look for all, until there is something for this reader."""
        try:
            while not self._is_due(reader, deadline):
                until = min(self._looked_at + POLL_SECONDS, deadline)
                if (pause := until - time.monotonic()) > 0:
                    self.pause(pause)
                else:
                    self._look()
        finally:
            with self._lock:
                self._is_led = False

    def _end_waiting(self, reader: Reader) -> None:
        """Have another lead, where nobody does, or all go on where all is over."""
        with self._lock:
            self._idle.pop(reader, None)
            if self._is_over():
                self._wake(tuple(self._idle))
            elif not self._is_led:
                self._wake(tuple(self._idle)[:1])

    def _wake(self, readers: Iterable[Reader]) -> None:
        for reader in readers:
            if signal := self._idle.pop(reader, None):
                signal.release()

    def _look(self) -> None:
        """Read what has arrived, and hand it out; later, where the log cannot be read now."""
        with self._lock:
            by_key, after = self._readers.by_key(), self._position
        self._looked_at = time.monotonic()
        try:
            look = self._run(lambda: self._found(by_key, after))
        except LogUnavailable:
            return
        if look.more:
            self._looked_at = float("-inf")
        with self._lock:
            self._hand_out(look, by_key)

    def _found(self, by_key: ByKey, after: int) -> _Look:
        page = self._log.oldest(after, STEP_RECORDS, STEP_BYTES)
        found: list[tuple[Reader, Frame]] = []
        numbers: Counter[Reader] = Counter()
        for record in page.records:
            # One for all readers: what is costly to find out of it is found out once.
            subject, frame = Subject(record), None
            for reader in candidates(by_key, record):
                if not self._wants(reader, subject, numbers[reader]):
                    continue
                frame = frame or Frame(record.position, self._write(record))
                found.append((reader, frame))
                numbers[reader] += 1
        last = page.records[-1].position if page.records else after
        return _Look(last, page.more, found)

    def _wants(self, reader: Reader, subject: Subject, already: int) -> bool:
        """Whether it is for the reader, and may still have room for it: one more than that tells it
        that it is behind.
        """
        return (
            already <= self._frames.bounds.waiting
            and reader.queue.position < subject.record.position
            and reader.expression.holds(subject)
        )

    def _hand_out(self, look: _Look, by_key: ByKey) -> None:
        for reader, frame in look.found:
            if reader.is_joined:
                reader.queue.put(frame)
        for reader in self._readers.joined_since(by_key):
            if reader.queue.position < look.last:
                reader.queue.fall_behind()
        self._position = look.last
        self._wake([reader for reader in self._idle if reader.queue.has_something])
