"""Live events: readers that follow the log learn what arrives and matches, from one look of all.

A reader goes through the log by position on its own, until it is where the hub is; from then on
the hub hands it what matches. One that falls behind goes through the log again: nothing is kept
for it but a few records.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from audit_service.log import Backend, Record
from audit_service.search.contents import text_of
from audit_service.search.expressions import All, Attribute, Comparison, Expression, Subject
from audit_service.search.scan import STEP_BYTES, STEP_RECORDS
from service_kit.concurrency import Concurrency, Signal

POLL_SECONDS: Final = 0.2
TURN_SECONDS: Final = 0.005
"""For which records are handed out before others have their turn."""
MOST_WAITING: Final = 100
"""The most records that are kept for a reader."""

_Key = tuple[str, str]
"""An attribute and its value."""


class Reader:
    """One who follows: the records that wait for it, and up to where it has been told."""

    def __init__(self, expression: Expression, position: int) -> None:
        self.expression = expression
        self.key = _key_of(expression)
        self.position = position
        """All that matches up to here was handed over, or waits."""
        self.waiting: list[Record] = []
        self.is_behind = False
        """There was more than can wait: it has to go through the log again."""
        self.signal: Signal | None = None
        """Released once there is something, where it waits."""


class Hub:
    """The look at the log that all readers of a process share. For callers of one concurrency."""

    def __init__(self, log: Backend, concurrency: Concurrency) -> None:
        self._log = log
        self._concurrency = concurrency
        self._run = concurrency.runner(1)
        self._lock = threading.Lock()
        # Guarded by _lock.
        self._readers: dict[_Key | None, dict[Reader, None]] = defaultdict(dict)
        self._position = 0
        self._looked_at = float("-inf")
        self._looking = False

    def join(self, expression: Expression, position: int) -> Reader | None:
        """A reader that has had all up to a position; None where the hub is further than that, and
        it has to go through the log first.
        """
        reader = Reader(expression, position)
        with self._lock:
            if not self._readers:
                self._position = position
            if position < self._position:
                return None
            self._readers[reader.key][reader] = None
        return reader

    def leave(self, reader: Reader) -> None:
        """Hand it nothing any more."""
        with self._lock:
            self._readers[reader.key].pop(reader, None)
            if not self._readers[reader.key]:
                del self._readers[reader.key]

    def next(self, reader: Reader) -> Sequence[Record]:
        """What matches and has arrived, after a moment's wait where there is none.

        Empty, too, where it has fallen behind. Raises LogUnavailable.
        """
        self._look()
        with self._lock:
            if not reader.waiting and not reader.is_behind:
                reader.signal = self._concurrency.signal()
            signal = reader.signal
        if signal is not None:
            signal.acquire(timeout=POLL_SECONDS)
        with self._lock:
            reader.signal = None
            found, reader.waiting = reader.waiting, []
        return found

    def _look(self) -> None:
        """Read what has arrived, where nobody has just done so, and hand it out."""
        with self._lock:
            now = time.monotonic()
            if self._looking or now - self._looked_at < POLL_SECONDS / 2:
                return
            self._looking, self._looked_at, after = True, now, self._position
        try:
            page = self._run(lambda: self._log.oldest(after, STEP_RECORDS, STEP_BYTES))
            if page.more:
                self._looked_at = float("-inf")
            self._hand_out_all(page.records)
        finally:
            self._looking = False

    def _hand_out_all(self, records: Sequence[Record]) -> None:
        began = time.monotonic()
        for record in records:
            with self._lock:
                if record.position > self._position:
                    self._hand_out(record)
            if time.monotonic() - began > TURN_SECONDS:
                self._concurrency.let_others_go_first()
                began = time.monotonic()

    def _hand_out(self, record: Record) -> None:
        self._position = record.position
        # One for all readers: what is costly to find out of it is found out once.
        subject = Subject(record)
        for reader in self._candidates(record):
            if reader.position < record.position and reader.expression.holds(subject):
                _give(reader, record)

    def _candidates(self, record: Record) -> Iterable[Reader]:
        yield from tuple(self._readers.get(None, ()))
        for name, value in record.event.attributes.items():
            yield from tuple(self._readers.get((name, text_of(value)), ()))


def _give(reader: Reader, record: Record) -> None:
    if reader.is_behind or len(reader.waiting) >= MOST_WAITING:
        reader.is_behind = True
    else:
        reader.waiting.append(record)
        reader.position = record.position
    if reader.signal is not None:
        signal, reader.signal = reader.signal, None
        signal.release()


def _key_of(expression: Expression) -> _Key | None:
    """An attribute and the value that it has in all that match, where there is one."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    for part in parts:
        if isinstance(part, Attribute) and part.comparison is Comparison.EXACT:
            return part.name, part.value
    return None
